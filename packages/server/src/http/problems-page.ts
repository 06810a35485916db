import { problemTypes, problemUrn } from './problem.ts'

/** docs/guide/problems.md; its test writes it (`vitest run -u`) and fails when it is not up to date. */
export function problemsPage(): string {
  const rows = problemTypes.map(
    ({ code, status, title, meaning }) => `| \`${code}\` | ${status} | ${title} | ${meaning} |`,
  )
  return `# Problems

A refused request is answered with \`application/problem+json\` (RFC 9457), at the collector and at the API:

\`\`\`json
{
  "type": "${problemUrn('too_large')}",
  "title": "Too large",
  "status": 413,
  "code": "too_large",
  "detail": "the body has more than 20000000 bytes, at most 20000000 are taken: send it in smaller batches",
  "instance": "urn:millrace:request:01JD8Z3CB0",
  "details": { "maxBytes": 20000000 }
}
\`\`\`

\`type\` is \`urn:millrace:problem:<code>\`: a name, not an address. What it means stands here, and at \`/docs#problems\` of a running API. \`code\` is its
last part; programs go by it, never by \`title\` or \`detail\`. \`detail\` says what is wrong and what to do, \`details\` has numbers, names and lengths, never a
string of an event. The request's id, in \`instance\` and in the header \`x-request-id\`, finds it in the server's log. \`Retry-After\` comes with 429 and 503.

Nothing of a refused body is stored, unless the answer has receipts that say which part. Dialects add members of their own (Segment's \`success\` and
\`message\`), and streams a \`code\` of their own for topics, filters and cursors, beside \`malformed\` in \`type\`.

| code | status | title | what happened, and what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
