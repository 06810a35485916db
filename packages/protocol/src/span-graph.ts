/** What the graph needs of a span. Missing and empty ids are the same. */
export interface SpanLink {
  readonly trace_id?: string | null | undefined
  readonly span_id?: string | null | undefined
  readonly parent_id?: string | null | undefined
}

export interface SpanPlace {
  readonly depth: number
  readonly is_leaf: boolean
  readonly is_root: boolean
}

/** The span has a parent that the batch does not hold, or one that is its own descendant: it is below something unknown. */
const belowUnknown = 1

/**
 * Places of spans in their traces, in the spans' order; the batch may hold several traces, in any order.
 * A span without parent is a root of depth 0; a child is one deeper than its parent; below an unknown parent the depth is 1.
 * A leaf is a span that no other names as its parent. Members of a cycle have no root above them, so their parents count as unknown.
 */
export function computeSpanGraph(spans: readonly SpanLink[]): SpanPlace[] {
  const indexBySpan = new Map<string, number>()
  const hasChild = new Uint8Array(spans.length)
  spans.forEach((span, index) => {
    const key = keyOf(span.trace_id, span.span_id)
    // Two spans with one id (a client and its server): the first stands for both.
    if (span.span_id && !indexBySpan.has(key)) indexBySpan.set(key, index)
  })

  const parents = spans.map((span) =>
    span.parent_id ? indexBySpan.get(keyOf(span.trace_id, span.parent_id)) : undefined,
  )
  const named = new Set(spans.filter((span) => span.parent_id).map((span) => keyOf(span.trace_id, span.parent_id)))
  spans.forEach((span, index) => {
    if (span.span_id && named.has(keyOf(span.trace_id, span.span_id))) hasChild[index] = 1
  })

  const depths = new Int32Array(spans.length).fill(-1)
  /** 1: on the chain that is being climbed. */
  const climbing = new Uint8Array(spans.length)
  const chain: number[] = []
  for (let start = 0; start < spans.length; start++) {
    // Climb to the first span whose depth is known, then set depths on the way down: each span is visited once.
    let at = start
    let depth = -1
    while (depth < 0) {
      if ((depths[at] as number) >= 0) {
        depth = depths[at] as number
        break
      }
      if (climbing[at] === 1) {
        // A cycle: all its members are below something unknown.
        for (let member = chain.pop(); member !== undefined; member = chain.pop()) {
          depths[member] = belowUnknown
          climbing[member] = 0
          if (member === at) break
        }
        depth = belowUnknown
        break
      }
      const parent = parents[at]
      if (parent === undefined) {
        depth = spans[at]?.parent_id ? belowUnknown : 0
        depths[at] = depth
        break
      }
      climbing[at] = 1
      chain.push(at)
      at = parent
    }
    for (let child = chain.pop(); child !== undefined; child = chain.pop()) {
      climbing[child] = 0
      depths[child] = ++depth
    }
  }

  return spans.map((span, index) => ({
    depth: depths[index] as number,
    is_leaf: hasChild[index] === 0,
    is_root: !span.parent_id,
  }))
}

function keyOf(traceId: string | null | undefined, spanId: string | null | undefined): string {
  return `${traceId ?? ''}\0${spanId ?? ''}`
}
