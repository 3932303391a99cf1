import type { ChangedFile } from '@bzzz/protocols'
import type { LintSource } from './lint-job.ts'

/** A text for the linters, and where its lines stand in the file. */
export interface Source extends LintSource {
  readonly file: ChangedFile
  readonly lineInFile: (line: number) => number | undefined
}

/** The file's new text where it is known, else one piece for each hunk. */
export function sourcesOf(file: ChangedFile): Source[] {
  const { path, text, hunks } = file
  if (text !== undefined) return [{ file, path, text, fragment: false, lineInFile: (line) => line }]
  return hunks.map(({ lines }) => {
    const kept = lines.filter((line) => line.kind !== 'deleted')
    const piece = kept.map((line) => line.text).join('\n')
    return { file, path, text: piece, fragment: true, lineInFile: (line) => kept[line - 1]?.line }
  })
}
