import { readFile } from 'node:fs/promises'
import type { TlsOptions } from 'node:tls'
import { PipelineError } from '../core/errors.ts'
import type { TlsConfig } from './config.ts'

/** Reads the PEM files. With `clientCa`, a client without a certificate of that authority gets no further than the handshake. */
export async function readTls(config: TlsConfig): Promise<TlsOptions> {
  const [cert, key, ca] = await Promise.all([
    readPem('cert', config.cert),
    readPem('key', config.key),
    config.clientCa === undefined ? undefined : readPem('clientCa', config.clientCa),
  ])
  const base: TlsOptions = { cert, key, minVersion: 'TLSv1.2' }
  return ca === undefined ? base : { ...base, ca, requestCert: true, rejectUnauthorized: true }
}

async function readPem(name: string, value: string): Promise<string> {
  if (value.startsWith('-----BEGIN')) return value
  try {
    return await readFile(value, 'utf8')
  } catch (cause) {
    throw new PipelineError(
      'config',
      `cannot read the file of tls.${name}, ${value}: name a PEM file that this user can read`,
      { cause },
    )
  }
}
