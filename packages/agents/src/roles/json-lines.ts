/** Finds the line of a value in JSON text, so that a message about a configuration file can point at it. */

/** @returns the line, from 1, that holds the offset */
function lineOfOffset(json: string, offset: number): number {
  return json.slice(0, offset).split('\n').length
}

/**
 * @param json text that JSON.parse refuses
 * @returns the line, from 1, of the fault
 */
export function lineOfSyntaxError(json: string): number {
  const message = complaintAbout(json)
  const at = /position (\d+)/.exec(message)?.[1]
  if (at !== undefined) return lineOfOffset(json, Number(at))
  return message.startsWith(WITHOUT_PLACE) ? lineOfToken(json) : lineOfOffset(json, json.length)
}

/** The one fault of which JSON.parse does not tell where it is. */
const WITHOUT_PLACE = 'Unexpected token'

/** The fewest lines, from the first on, that hold the token; those before it merely end too early. */
function lineOfToken(json: string): number {
  const lines = json.split('\n')
  let [before, within] = [0, lines.length]
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2)
    if (complaintAbout(lines.slice(0, middle).join('\n')).startsWith(WITHOUT_PLACE)) within = middle
    else before = middle
  }
  return within
}

function complaintAbout(json: string): string {
  try {
    JSON.parse(json)
    return ''
  } catch (error) {
    return (error as SyntaxError).message
  }
}

/**
 * @param json text that JSON.parse accepts
 * @returns the line, from 1, of the value at `path`, or of the deepest part of the path that exists
 */
export function lineOfPath(json: string, path: readonly PropertyKey[]): number {
  let at = skipSpace(json, 0)
  for (const key of path) {
    const member = [...membersOf(json, at)].findLast((candidate) => candidate.key === key)
    if (member === undefined) break
    at = member.at
  }
  return lineOfOffset(json, at)
}

/** Members of the object or array that begins at `start`, each with the offset of its value. */
function* membersOf(json: string, start: number): Generator<{ key: string | number; at: number }> {
  const isObject = json[start] === '{'
  if (!isObject && json[start] !== '[') return
  let at = skipSpace(json, start + 1)
  for (let index = 0; json[at] !== '}' && json[at] !== ']'; index++) {
    let key: string | number = index
    if (isObject) {
      const end = skipValue(json, at)
      key = JSON.parse(json.slice(at, end)) as string
      at = skipSpace(json, skipSpace(json, end) + 1) // past the colon
    }
    yield { key, at }
    at = skipSpace(json, skipValue(json, at))
    if (json[at] === ',') at = skipSpace(json, at + 1)
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|[^\s"{}[\],:]+|[\s,:]+/y

/** @returns the offset after the value that begins at `start` */
function skipValue(json: string, start: number): number {
  let depth = 0
  let at = start
  do {
    TOKEN.lastIndex = at
    const token = TOKEN.exec(json)?.[0] ?? ''
    if (token === '{' || token === '[') depth++
    if (token === '}' || token === ']') depth--
    at = token === '' ? json.length : TOKEN.lastIndex
  } while (depth > 0 && at < json.length)
  return at
}

function skipSpace(json: string, start: number): number {
  let at = start
  while (/\s/.test(json[at] ?? '')) at++
  return at
}
