import { clickHouseColumns } from '@millrace/protocol'
import { type Cluster, onCluster } from './cluster.ts'

/** Doublings of the distance to an ancestor: chains of up to 2^20 spans. */
const maxDoublings = 20

/**
 * View `trace_spans`: the spans (events of type `trace` with trace and span id) with `depth`, `is_leaf` and `is_root` exact for
 * everything stored so far, however late or out of order the spans came.
 *
 *   depth    0 without a parent; its parent's + 1; 1 when the parent is unknown, or when following parents ends in a circle
 *   is_leaf  no span of the trace names it as its parent
 *   is_root  it has no parent
 *
 * Per trace, all at once in arrays of (span, ancestor, distance): each span takes over its ancestor's ancestor, adding up the
 * distances, until there is none, which doubles the distance covered each time. A look-up is a sort: definitions and
 * questions by span id, definitions first, and `arrayFill` carries each definition over its questions. So n spans cost
 * n log² n, and no lambda captures an array, which ClickHouse would copy for each element.
 *
 * On a cluster a trace's spans may be on several shards: GLOBAL makes the graph once, of all of them.
 */
export function traceSpansView(database: string, cluster?: Cluster): string {
  const names = clickHouseColumns.map(({ name }) => computed[name] ?? `e.${name} AS ${name}`)
  return `CREATE OR REPLACE VIEW ${database}.trace_spans${onCluster(cluster)} AS
WITH
  first_spans AS (
    SELECT project, trace_id, span_id, argMin(parent_id, log_position) AS parent_id
    FROM ${database}.events
    WHERE event_type = 'trace' AND trace_id != '' AND span_id != ''
    GROUP BY project, trace_id, span_id
  ),
  traces AS (
    SELECT
      project,
      trace_id,
      groupArray((span_id, parent_id, toUInt32(parent_id != ''))) AS spans,
      range(toUInt64(least(${maxDoublings}, ceil(log2(length(spans) + 1))))) AS doublings,
      arraySort(arrayFold((known, step) -> ${doubled}, doublings, spans)) AS resolved,
      arraySort(arrayConcat(arrayMap(s -> (s.2, 0), spans), arrayMap(s -> (s.1, 1), spans))) AS named,
      arrayFilter((leaf, n) -> n.2 = 1, arrayMap((n, before) -> n.1 != before.1, named, arrayPushFront(arrayPopBack(named), ('', 0))), named) AS leaves
    FROM first_spans
    GROUP BY project, trace_id
  ),
  graph AS (
    SELECT project, trace_id, span.1 AS span_id, toUInt32(if(span.2 = '', span.3, 1)) AS depth, is_leaf
    FROM traces ARRAY JOIN resolved AS span, leaves AS is_leaf
  )
SELECT
  ${names.join(',\n  ')}
FROM ${database}.events AS e
${cluster === undefined ? '' : 'GLOBAL '}INNER JOIN graph AS g ON e.project = g.project AND e.trace_id = g.trace_id AND e.span_id = g.span_id
WHERE e.event_type = 'trace'`
}

const computed: Readonly<Record<string, string>> = {
  depth: 'g.depth AS depth',
  is_leaf: 'toBool(g.is_leaf) AS is_leaf',
  is_root: "toBool(e.parent_id = '') AS is_root",
}

/** (span, 0, ancestor, distance) defines what is known of a span; (ancestor, 1, span, distance) asks for the ancestor's. */
const asked =
  'arraySort(arrayConcat(arrayMap(s -> (s.1, toUInt8(0), s.2, s.3), known), arrayMap(s -> (s.2, toUInt8(1), s.1, s.3), known)))'

/** The questions with the definition before each: where it is of the same span, take over its ancestor and add its distance. */
const doubled = `arrayMap(
        a -> if(a.2.2 = 0 AND a.2.1 = a.1.1, (a.1.3, a.2.3, toUInt32(a.1.4 + a.2.4)), (a.1.3, '', a.1.4)),
        arrayFilter(a -> a.1.2 = 1, arrayZip(${asked}, arrayFill(d -> d.2 = 0, ${asked}))))`
