/** A ClickHouse server for tests, from the engine's library: fixed ports, users and configuration of the test's own, HTTP and TCP. */
import { DataType, load, open } from 'ffi-rs'
import { findEngineLibrary } from './engine/library.ts'

const [path = '', config = '', http = '', tcp = ''] = process.argv.slice(2)
const args = [
  'clickhouse',
  `--path=${path}`,
  `--config-file=${config}`,
  `--http_port=${http}`,
  `--tcp_port=${tcp}`,
  '--listen_host=127.0.0.1',
  '--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sleep(0.5) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null',
]
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL')) // the test's process is gone
open({ library: 'chdb', path: findEngineLibrary() })
const ended = load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
  runInNewThread: true,
}) as unknown as Promise<unknown>
void ended.finally(() => process.kill(process.pid, 'SIGKILL'))
