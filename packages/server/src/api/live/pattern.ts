/**
 * Regular expressions that cannot be made slow. A pattern of a stranger runs on every event, and the engine of JavaScript may take
 * minutes for one; here a text costs at most its length times the pattern's (Thompson's construction, all states at once).
 *
 *   alternatives = sequence *( "|" sequence )
 *   sequence     = *( atom [ "*" | "+" | "?" | "{" m [ "," [ n ] ] "}" ] )
 *   atom         = character | "." | "[" [ "^" ] ranges "]" | "(" [ "?:" ] alternatives ")" | "^" | "$"
 *                | "\d" "\D" "\w" "\W" "\s" "\S" | "\n" "\t" "\r" | "\" punctuation
 *
 * `(?i)` at the beginning: letters match both cases. It is a search: `^` and `$` tie it to the ends. What is not in this grammar
 * (back references, looking around) is refused with its place.
 */
export type Pattern = (text: string) => boolean

export class PatternError extends Error {
  override readonly name = 'PatternError'
}

const maxPatternLength = 200
const maxRepeat = 50
const maxStates = 2000
/** Of a text: what stands beyond is not looked at. */
const maxTextLength = 10_000

type Test = (code: number) => boolean
type Node =
  | { readonly kind: 'test'; readonly test: Test }
  | { readonly kind: 'start' | 'end' | 'empty' }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number }

/** A state: a test leads to `next`; a split to both; an anchor only where it holds. */
interface State {
  readonly kind: 'test' | 'split' | 'start' | 'end' | 'match'
  readonly test?: Test
  next: number
  other: number
}

/** Throws PatternError. */
export function compilePattern(source: string): Pattern {
  if (source.length > maxPatternLength)
    throw new PatternError(`the pattern has ${source.length} characters, at most ${maxPatternLength}`)
  const ignoreCase = source.startsWith('(?i)')
  const states: State[] = []
  const match = push(states, { kind: 'match', next: -1, other: -1 })
  const first = build(states, parse(ignoreCase ? source.slice(4) : source, ignoreCase), match)
  return createSearch(states, first, match)
}

function createSearch(states: readonly State[], first: number, match: number): Pattern {
  // Marks instead of sets: a state is in when its mark is the step's number, so nothing is cleared between steps.
  const marks = new Float64Array(states.length)
  let step = 0
  let current: number[] = []
  let following: number[] = []
  const stack: number[] = []

  function enter(state: number, into: number[], at: number, length: number): boolean {
    stack.push(state)
    while (stack.length > 0) {
      const number = stack.pop() as number
      if (marks[number] === step) continue
      marks[number] = step
      if (number === match) {
        stack.length = 0
        return true
      }
      const { kind, next, other } = states[number] as State
      if (kind === 'test') into.push(number)
      else if (kind === 'split') stack.push(other, next)
      else if ((kind === 'start' && at === 0) || (kind === 'end' && at === length)) stack.push(next)
    }
    return false
  }

  return (text) => {
    const length = Math.min(text.length, maxTextLength)
    current.length = 0
    step++
    if (enter(first, current, 0, length)) return true
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      following.length = 0
      step++
      for (const number of current) {
        const { test, next } = states[number] as State
        if ((test as Test)(code) && enter(next, following, at + 1, length)) return true
      }
      // A search: it may begin at every place.
      if (enter(first, following, at + 1, length)) return true
      const swap = current
      current = following
      following = swap
    }
    return false
  }
}

function push(states: State[], state: State): number {
  if (states.length >= maxStates) throw new PatternError('the pattern is too large: use smaller repetitions')
  return states.push(state) - 1
}

/** Back to front: each part knows where it leads. Returns the state that begins the part. */
function build(states: State[], node: Node, next: number): number {
  switch (node.kind) {
    case 'empty':
      return next
    case 'test':
      return push(states, { kind: 'test', test: node.test, next, other: -1 })
    case 'start':
    case 'end':
      return push(states, { kind: node.kind, next, other: -1 })
    case 'all':
      return node.parts.reduceRight((after, part) => build(states, part, after), next)
    case 'any': {
      const [head, ...rest] = node.parts.map((part) => build(states, part, next))
      return rest.reduce((before, other) => push(states, { kind: 'split', next: before, other }), head as number)
    }
    case 'repeat': {
      let begin = next
      if (node.most === Number.POSITIVE_INFINITY) {
        const loop = push(states, { kind: 'split', next: -1, other: next })
        ;(states[loop] as State).next = build(states, node.part, loop)
        begin = loop
      } else
        for (let times = node.least; times < node.most; times++)
          begin = push(states, { kind: 'split', next: build(states, node.part, begin), other: next })
      for (let times = 0; times < node.least; times++) begin = build(states, node.part, begin)
      return begin
    }
  }
}

function parse(source: string, ignoreCase: boolean): Node {
  let at = 0
  let depth = 0
  const fail = (why: string) => new PatternError(`${why} at ${at} of the pattern`)

  function alternatives(): Node {
    const parts = [sequence()]
    while (source[at] === '|') {
      at++
      parts.push(sequence())
    }
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'any', parts }
  }

  function sequence(): Node {
    const parts: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(atom()))
    return { kind: 'all', parts }
  }

  function repeated(part: Node): Node {
    const sign = source[at]
    if (sign === '{') {
      const found = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(source.slice(at))
      if (found === null) throw fail('a { that is no repetition; write \\{ for the character')
      const least = Number(found[1])
      const most = found[2] === undefined ? least : found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY
      if (most < least || least > maxRepeat || (most !== Number.POSITIVE_INFINITY && most > maxRepeat))
        throw fail(`a repetition that is not 0 to ${maxRepeat} times`)
      at += found[0].length
      return once({ kind: 'repeat', part, least, most })
    }
    if (sign !== '*' && sign !== '+' && sign !== '?') return part
    at++
    return once({
      kind: 'repeat',
      part,
      least: sign === '+' ? 1 : 0,
      most: sign === '?' ? 1 : Number.POSITIVE_INFINITY,
    })
  }

  /** Lazy or not makes no difference to whether there is a match. */
  function once(node: Node): Node {
    if (source[at] === '?') at++
    const sign = source[at]
    if (sign !== undefined && '*+?{'.includes(sign)) throw fail('a repetition of a repetition')
    return node
  }

  function atom(): Node {
    const sign = source[at++] as string
    switch (sign) {
      case '^':
        return { kind: 'start' }
      case '$':
        return { kind: 'end' }
      case '.':
        return { kind: 'test', test: (code) => code !== 10 && code !== 13 }
      case '(':
        return group()
      case '[':
        return { kind: 'test', test: characterClass() }
      case '\\':
        return { kind: 'test', test: cased(escaped()) }
      case '*':
      case '+':
      case '?':
      case '{':
        at--
        throw fail(`a ${sign} that repeats nothing; write \\${sign} for the character`)
      default:
        return { kind: 'test', test: cased(is(sign.charCodeAt(0))) }
    }
  }

  function group(): Node {
    if (source.startsWith('?:', at)) at += 2
    else if (source[at] === '?') throw fail('a group that is not understood (no looking around)')
    if (++depth > 50) throw fail('groups too deep')
    const inner = alternatives()
    if (source[at] !== ')') throw fail('a group without its )')
    at++
    depth--
    return inner
  }

  function characterClass(): Test {
    const negated = source[at] === '^'
    if (negated) at++
    const tests: Test[] = []
    while (at < source.length && source[at] !== ']') {
      const before = at
      const low = source[at] === '\\' ? (at++, escaped()) : is(source.charCodeAt(at++))
      if (source[at] === '-' && at + 1 < source.length && source[at + 1] !== ']') {
        const from = low.code
        at++
        const high = source[at] === '\\' ? (at++, escaped()) : is(source.charCodeAt(at++))
        const to = high.code
        if (from === undefined || to === undefined || to < from) {
          at = before
          throw fail('a range that is none')
        }
        tests.push((code) => code >= from && code <= to)
      } else tests.push(low)
    }
    if (source[at] !== ']') throw fail('a class without its ]')
    at++
    const some = cased((code) => tests.some((test) => test(code)))
    return negated ? (code) => !some(code) : some
  }

  function escaped(): Test & { readonly code?: number } {
    const sign = source[at++]
    if (sign === undefined) throw fail('a \\ at the end')
    const named = classes[sign]
    if (named !== undefined) return named
    const control = controls[sign]
    if (control !== undefined) return is(control)
    if (/[A-Za-z0-9]/.test(sign)) throw fail(`an escape \\${sign} that is not understood`)
    return is(sign.charCodeAt(0))
  }

  function cased(test: Test): Test {
    if (!ignoreCase) return test
    return (code) => {
      if (test(code)) return true
      const letter = String.fromCharCode(code)
      const lower = letter.toLowerCase()
      const upper = letter.toUpperCase()
      return (lower.length === 1 && test(lower.charCodeAt(0))) || (upper.length === 1 && test(upper.charCodeAt(0)))
    }
  }

  const node = alternatives()
  if (at < source.length) throw fail('a ) without its (')
  return node
}

function is(wanted: number): Test & { readonly code: number } {
  return Object.assign((code: number) => code === wanted, { code: wanted })
}

const isDigit: Test = (code) => code >= 48 && code <= 57
const isWord: Test = (code) => isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
const isSpace: Test = (code) => /\s/.test(String.fromCharCode(code))
const not =
  (test: Test): Test =>
  (code) =>
    !test(code)
const classes: Readonly<Record<string, Test | undefined>> = Object.assign(Object.create(null) as object, {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
})
const controls: Readonly<Record<string, number | undefined>> = Object.assign(Object.create(null) as object, {
  n: 10,
  r: 13,
  t: 9,
})
