/** Which methods a path answers: for 405 with `Allow`, and for OPTIONS. Looked at only when a request found no route. */
export interface RouteTable {
  add(method: string, path: string): void
  /** Empty: there is no such path. */
  methods(path: string): readonly string[]
}

export function createRouteTable(): RouteTable {
  const routes: { segments: readonly string[]; method: string }[] = []
  return {
    add(method, path) {
      routes.push({ segments: split(path), method })
    },
    methods(path) {
      const segments = split(path)
      const found = new Set<string>()
      for (const route of routes) if (matches(route.segments, segments)) found.add(route.method)
      return [...found].sort()
    },
  }
}

/** As the router does: a slash at the end and doubled ones make no difference. */
function split(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '')
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.at(-1) === '*') {
    return segments.length >= pattern.length - 1 && pattern.slice(0, -1).every((part, at) => fits(part, segments[at]))
  }
  return pattern.length === segments.length && pattern.every((part, at) => fits(part, segments[at]))
}

function fits(part: string, segment: string | undefined): boolean {
  return segment !== undefined && (part.startsWith(':') || part === segment)
}
