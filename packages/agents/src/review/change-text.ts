import type { ChangedFile } from '@bzzz/protocols'

/** Unchanged lines shown around a hunk where the file's text is at hand; git gives 3, which hides most of a function. */
const CONTEXT_LINES = 20

type Line = ChangedFile['hunks'][number]['lines'][number]

/**
 * A changed file for a reader who is to quote it: each line with its number in the new file and `+` where it is new.
 * Deleted lines carry `-` and no number, since nothing can be reported there.
 */
export function changedFileText(file: ChangedFile): string {
  const from = file.oldPath === undefined ? '' : `, was ${JSON.stringify(file.oldPath)}`
  const head = `file ${JSON.stringify(file.path)} (${file.status}${from})`
  if (file.omitted !== undefined) return `${head}: not shown, ${file.omitted}`
  const blocks = withContext(file).map((lines) => lines.map(lineText).join('\n'))
  return [head, blocks.join('\n    ⋮\n')].join('\n')
}

const MARK = { added: '+', deleted: '-', context: ' ' } as const

function lineText({ kind, line, text }: Line): string {
  return `${(kind === 'deleted' ? '' : String(line)).padStart(6)} ${MARK[kind]} ${text}`
}

/** Hunks widened by lines of the file's text; those that then touch are one block. */
function withContext(file: ChangedFile): Line[][] {
  const text = file.text?.split('\n')
  const blocks: Line[][] = []
  let shown = 0 // last line of the new file that stands in a block
  file.hunks.forEach(({ lines }, index) => {
    const first = firstLine(lines)
    const next = file.hunks[index + 1]
    const before = contextLines(text, Math.max(shown + 1, first - CONTEXT_LINES), first - 1)
    const last = lastLine(lines) ?? first - 1
    const limit = next === undefined ? Number.POSITIVE_INFINITY : firstLine(next.lines) - 1
    const after = contextLines(text, last + 1, Math.min(last + CONTEXT_LINES, limit))
    const touches = blocks.length > 0 && (before[0]?.line ?? first) === shown + 1
    if (!touches) blocks.push([])
    for (const part of [before, lines, after]) for (const line of part) blocks.at(-1)?.push(line)
    shown = Math.max(shown, last + after.length)
  })
  return blocks
}

function contextLines(text: readonly string[] | undefined, from: number, to: number): Line[] {
  const lines = text?.slice(Math.max(from - 1, 0), Math.max(to, 0)) ?? []
  return lines.map((content, index) => ({ kind: 'context', line: from + index, text: content }))
}

/** Of the new file; a hunk that only deletes stands at its first old line, which is close enough to order by. */
function firstLine(lines: readonly Line[]): number {
  return (lines.find(({ kind }) => kind !== 'deleted') ?? lines[0])?.line ?? 1
}

function lastLine(lines: readonly Line[]): number | undefined {
  return lines.findLast(({ kind }) => kind !== 'deleted')?.line
}
