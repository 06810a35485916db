import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as millrace from './exports.ts'

/** A cell of a table. */
const cell = (text: string) => text.replaceAll('|', '\\|')

function page(): string {
  const registry = millrace.createTransformers()
  const functionOf = (name: string) =>
    Object.entries(millrace).find(([, value]) => value === registry.getFunction(name))?.[0] ?? ''
  const rows = registry
    .listWithMeta()
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
    .map(
      ({ name, description, source, eventType, multipleOutputs }) =>
        `| \`${name}\` | \`${functionOf(name)}\` | ${cell(description)} | ${source} | ${eventType} | ${multipleOutputs ? 'an array' : 'one event'} |`,
    )
  return `# Transformers

A transformer maps one event of a source into the columns of the unified schema. It is what the collector does with each event of a
body, without the collector: for a program that has such events in its hands and sends them to \`/v1/events\`, or for looking at what
becomes of one.

\`\`\`ts
import { createTransformers, transformSegmentTrack } from 'millrace/transformers'

transformSegmentTrack({ event: 'Signed Up', userId: 'ada', properties: { plan: 'pro' } }, 'shop')
// { event_source: 'segment', ns: 'shop', actor_id: 'ada', event_type: 'track', event_name: 'Signed Up', properties: { plan: 'pro' } }

const registry = createTransformers()
registry.transformToArray('segment-track', { event: 'Signed Up' }) // always an array
\`\`\`

| name | function | maps | source | event type | gives |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

## What holds for all of them

- They are pure and synchronous. The input is never changed, and the same input gives the same output.
- An input that cannot be mapped throws a \`TransformError\`. Its \`issues\` are JSON pointers with what is wrong: types, lengths and numbers, never a string of
  the event.
- A 0 stays a 0 and \`false\` stays \`false\`: what is absent in the output was absent in the input.
- A field without a column is kept, in \`data\`, \`attributes\`, \`properties\` or \`context\`.
- Times are Unix milliseconds. Where an event says no time, \`timestamp\` is left out, and where it has no id, \`id\` is: the collector gives both. \`day\` and
  \`hour\` are the table's.

## The registry

\`createTransformers()\` makes a registry of your own with all of the above. What you register there changes nothing elsewhere.

| method | does |
| --- | --- |
| \`register(transformer)\` | adds one; a name that is taken throws |
| \`unregister(name)\` | removes one; false when there was none |
| \`has(name)\`, \`get(name)\`, \`getFunction(name)\` | whether there is one, the transformer, its function; \`undefined\` when there is none |
| \`list()\`, \`listWithMeta()\` | names; name, description, source, event type, whether it gives several |
| \`listBySource(source)\`, \`listByEventType(type)\` | names of those |
| \`transform(name, input, ...beside)\` | what the function returns; an unknown name throws |
| \`transformToArray(name, input, ...beside)\` | the same, always as an array |
| \`size\`, \`clear()\` | how many there are; removes all |

Your own is an object like those: \`name\`, \`description\`, \`source\`, \`eventType\`, \`multipleOutputs\` and \`transform\`.

## Outcomes

\`outcomeOfStatus(status)\` tells from an HTTP status how a request ended: 200 to 399 \`success\`, 429 \`rate_limited\`, 408 and 504 \`timeout\`, all else \`error\`.
\`transformApiRequest\` has a scale of its own, by whose fault it was: 2xx \`success\`, 4xx \`client_error\`, 5xx \`server_error\`, all else \`unknown\`.
`
}

it('docs/guide/transformers.md has every transformer, each with a public function', async () => {
  expect(page()).not.toContain('| `` |')
  await expect(page()).toMatchFileSnapshot(
    join(import.meta.dirname, '../../../../../docs/guide/transformers.md'),
    'out of date: npx vitest run --project unit packages/server/src/decoders/transformers/transformers-page.test.ts -u',
  )
})
