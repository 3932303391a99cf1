import type { ChangedFile } from '@bzzz/protocols'

/** Every line of the new file that is known, by its number from 1: all of them where the text is there, else the hunks'. */
export function newLines(file: ChangedFile): ReadonlyMap<number, string> {
  if (file.text !== undefined) return new Map(file.text.split('\n').map((text, index) => [index + 1, text]))
  return hunkLines(file)
}

/** The new file's lines that stand in the hunks: added ones and the context around them. */
export function hunkLines(file: ChangedFile): ReadonlyMap<number, string> {
  const kept = file.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind !== 'deleted'))
  return new Map(kept.map((line) => [line.line, line.text]))
}

/** Numbers of the lines that the change added to the new file. */
export function addedLines(file: ChangedFile): ReadonlySet<number> {
  const added = file.hunks.flatMap((hunk) => hunk.lines.filter((line) => line.kind === 'added'))
  return new Set(added.map((line) => line.line))
}
