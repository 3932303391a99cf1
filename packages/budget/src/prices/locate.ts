// Strings, punctuation, and everything else between white space.
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g

/**
 * The line, from 1, at which the value at a path stands in a JSON text; of its nearest ancestor when it is missing.
 * @param text must be valid JSON
 */
export function lineOfPath(text: string, path: readonly PropertyKey[]): number {
  const tokens = [...text.matchAll(TOKEN)]
  let at = 0
  for (const step of path) {
    const next = childAt(tokens, at, step)
    if (next === undefined) break
    at = next
  }
  return text.slice(0, tokens[at]?.index ?? 0).split('\n').length
}

type Tokens = readonly RegExpMatchArray[]

/** Where the member or element `step` of the object or array at `at` begins. */
function childAt(tokens: Tokens, at: number, step: PropertyKey): number | undefined {
  const kind = tokens[at]?.[0]
  if (kind !== '{' && kind !== '[') return undefined
  let index = at + 1
  for (let position = 0; index < tokens.length && !isClosing(tokens, index); position += 1) {
    const key = kind === '{' ? JSON.parse(tokens[index]?.[0] ?? '""') : position
    const value = kind === '{' ? index + 2 : index
    if (key === step) return value
    index = behind(tokens, value)
    if (tokens[index]?.[0] === ',') index += 1
  }
  return undefined
}

/** The first token behind the value at `at`. */
function behind(tokens: Tokens, at: number): number {
  let depth = 0
  let index = at
  do {
    const token = tokens[index]?.[0] ?? ''
    if (token === '{' || token === '[') depth += 1
    if (token === '}' || token === ']') depth -= 1
    index += 1
  } while (depth > 0 && index < tokens.length)
  return index
}

function isClosing(tokens: Tokens, index: number): boolean {
  const token = tokens[index]?.[0]
  return token === '}' || token === ']'
}
