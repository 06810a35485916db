/** `newer_version`: written by a later Millrace, wait for an update and never skip it. `corrupt`: the bytes are not what was written. */
export type RecordErrorCode = 'newer_version' | 'corrupt'

export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode

  constructor(code: RecordErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
