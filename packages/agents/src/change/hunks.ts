import type { ChangedFile } from '@bzzz/protocols'
import type parseDiff from 'parse-diff'

export type Hunk = ChangedFile['hunks'][number]
export type DiffLine = Hunk['lines'][number]

/** The hunks of one file of a parsed diff, without the remarks about missing newlines that stand between its lines. */
export function hunksOf(file: parseDiff.File): Hunk[] {
  return file.chunks.map((chunk) => ({ lines: linesOf(chunk) }))
}

function linesOf(chunk: parseDiff.Chunk): DiffLine[] {
  return chunk.changes.filter((change) => !change.content.startsWith('\\')).map(diffLine)
}

function diffLine(change: parseDiff.Change): DiffLine {
  const text = change.content.slice(1)
  switch (change.type) {
    case 'add':
      return { kind: 'added', line: change.ln, text }
    case 'del':
      return { kind: 'deleted', line: change.ln, text }
    case 'normal':
      return { kind: 'context', line: change.ln2, text }
  }
}

/** Whether a hunk has as many lines as its header announces: a cut-off or damaged patch has not. */
export function isComplete(chunk: parseDiff.Chunk): boolean {
  const lines = linesOf(chunk)
  const shared = lines.filter((line) => line.kind === 'context').length
  const added = lines.filter((line) => line.kind === 'added').length
  return chunk.newLines === shared + added && chunk.oldLines === lines.length - added
}
