import type { JsonSchema } from './components.ts'
import { Html, html, prose } from './html.ts'

const shared = '#/components/schemas/'

/** A schema as people read it: its type in a few words, and a table of its members. */
export function typeOf(schema: JsonSchema): Html {
  const { $ref, type, enum: values, items, anyOf, oneOf, allOf, const: only, additionalProperties } = schema as Loose
  if (typeof $ref === 'string') {
    const name = $ref.slice(shared.length)
    return html`<a href="#schema-${name}">${name}</a>`
  }
  if (only !== undefined) return html`<code>${JSON.stringify(only)}</code>`
  if (values !== undefined)
    return joined(
      values.map((value) => html`<code>${value === null ? 'null' : value}</code>`),
      ' | ',
    )
  const choices = anyOf ?? oneOf
  if (choices !== undefined) return joined(choices.map(typeOf), ' | ')
  if (allOf !== undefined && type === undefined) return joined(allOf.map(typeOf), ' & ')
  if (Array.isArray(type)) return html`${type.join(' | ')}`
  if (type === 'array') return html`array of ${items === undefined ? 'anything' : typeOf(items)}`
  if (type === 'object' && typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0)
    return html`object of ${typeOf(additionalProperties)}`
  return html`${type ?? 'anything'}`
}

export function membersOf(schema: JsonSchema): Html {
  const { properties, required = [], description, anyOf, items, additionalProperties } = schema as Loose
  const about = description === undefined ? '' : html`<p>${prose(description)}</p>`
  if (properties === undefined) {
    const inner = (anyOf ?? (items === undefined ? [] : [items])).filter(
      (choice) => (choice as Loose).properties !== undefined,
    )
    return html`${about}<p>${typeOf(schema)}</p>${inner.map(membersOf)}`
  }
  const rows = Object.entries(properties).map(([name, member]) => {
    const { description: says, default: usual } = member as Loose
    const nested = nestedOf(member)
    return html`<tr>
<td><code>${name}</code>${required.includes(name) && html` <span class="req">required</span>`}</td>
<td>${typeOf(member)}</td>
<td>${says !== undefined && prose(says)}${usual !== undefined && usual !== '' && html`${says !== undefined && '; '}default <code>${JSON.stringify(usual)}</code>`}${nested !== undefined && html`<details><summary>members</summary>${membersOf({ ...nested, description: undefined })}</details>`}</td>
</tr>`
  })
  const open =
    typeof additionalProperties === 'object' && Object.keys(additionalProperties).length === 0
      ? html`<p class="notes">More keys are taken, or may come.</p>`
      : ''
  return html`${about}<table><thead><tr><th>member</th><th>type</th><th></th></tr></thead><tbody>${rows}</tbody></table>${open}`
}

/** An object, or the objects of a list, without a name of their own. */
function nestedOf(schema: Loose): JsonSchema | undefined {
  if (schema.properties !== undefined) return schema
  if (schema.items !== undefined) return nestedOf(schema.items)
  return schema.anyOf?.find((choice) => nestedOf(choice) !== undefined)
}

function joined(parts: readonly Html[], between: string): Html {
  return html`${parts.map((part, at) => [at === 0 ? '' : between, part])}`
}

/** The keywords that the routes' schemas use. */
interface Loose extends JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly description?: string
  readonly default?: unknown
}
