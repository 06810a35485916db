/**
 * What JSON comes as. Browsers send `text/plain` to save the preflight, `curl -d` says form data, `fetch` with a Blob says nothing:
 * the body decides, and what is no JSON is refused as malformed.
 */
export const jsonTypes: readonly string[] = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', '']

export const ndjsonTypes: readonly string[] = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
]

export const protobufTypes: readonly string[] = [
  'application/x-protobuf',
  'application/protobuf',
  'application/vnd.google.protobuf',
  'application/octet-stream',
]

/** Structured, batched. */
export const cloudEventsTypes = ['application/cloudevents+json', 'application/cloudevents-batch+json'] as const
