import type { ChangedFile, ChangeSet, EntryOf } from '@bzzz/protocols'

/** One call's share of a change. */
export interface Step {
  /** What the call shows; a file that goes by parts holds only this part's hunks, and no text. */
  readonly change: ChangeSet
  readonly files: readonly string[]
}

export type Coverage = EntryOf<'finding'>['coverage'][number]

export interface StepPlan {
  readonly steps: readonly Step[]
  /** One row per file of the change, as it will be once every step is done. */
  readonly coverage: readonly Coverage[]
}

/**
 * Splits a change into calls: all of it in one if it fits, else file by file, and a file that is too large alone by parts.
 * What cannot be shown at all is named in the coverage with its reason.
 */
export function planSteps(change: ChangeSet, fits: (step: Step) => boolean): StepPlan {
  const shown = change.files.filter((file) => file.omitted === undefined && file.hunks.length > 0)
  const whole = { change, files: shown.map((file) => file.path) }
  if (shown.length > 0 && fits(whole)) return { steps: [whole], coverage: change.files.map(rowFor) }
  if (!fits({ change: { ...change, files: [] }, files: [] })) return nothingFits(change)
  const parts = new Map(shown.map((file) => [file.path, partsOf(change, file, fits)]))
  return {
    steps: [...parts.values()].flatMap(({ steps }) => steps),
    coverage: change.files.map((file) => parts.get(file.path)?.row ?? rowFor(file)),
  }
}

/** Found out before lines are tried one by one. */
function nothingFits(change: ChangeSet): StepPlan {
  const reason = 'the window of the model has no room for any of it'
  const rows = change.files.map(rowFor)
  return {
    steps: [],
    coverage: rows.map((row) => (row.reason === undefined ? { ...row, reviewed: false, reason } : row)),
  }
}

function rowFor(file: ChangedFile): Coverage {
  if (file.omitted !== undefined) return { file: file.path, reviewed: false, reason: file.omitted }
  if (file.hunks.length === 0) return { file: file.path, reviewed: true, reason: 'no changed lines' }
  return { file: file.path, reviewed: true }
}

function partsOf(
  change: ChangeSet,
  file: ChangedFile,
  fits: (step: Step) => boolean,
): { steps: Step[]; row: Coverage } {
  const whole = stepOf(change, file)
  if (fits(whole)) return { steps: [whole], row: rowFor(file) }
  const parts = halve(file.hunks, (hunks) => fits(stepOf(change, partOf(file, hunks))))
  const row = parts.lost === 0 ? rowFor(file) : lostRow(file, parts.lost)
  return { steps: parts.fitting.map((hunks) => stepOf(change, partOf(file, hunks))), row }
}

function lostRow(file: ChangedFile, lost: number): Coverage {
  return { file: file.path, reviewed: false, reason: `changed lines too long for the model: ${lost}` }
}

function stepOf(change: ChangeSet, file: ChangedFile): Step {
  return { change: { ...change, files: [file] }, files: [file.path] }
}

function partOf({ text: _, ...file }: ChangedFile, hunks: Hunks): ChangedFile {
  return { ...file, hunks }
}

type Hunks = ChangedFile['hunks']

/** Halves hunks, then the lines of a single hunk, until each piece fits; a single line that does not is lost. */
function halve(hunks: Hunks, fits: (hunks: Hunks) => boolean): { fitting: Hunks[]; lost: number } {
  if (fits(hunks)) return { fitting: [hunks], lost: 0 }
  const [first, second] = hunks.length > 1 ? cut(hunks) : cut(hunks[0]?.lines ?? []).map((lines) => [{ lines }])
  if (first === undefined || second === undefined) return { fitting: [], lost: 1 }
  const halves = [halve(first, fits), halve(second, fits)]
  return { fitting: halves.flatMap(({ fitting }) => fitting), lost: halves.reduce((sum, { lost }) => sum + lost, 0) }
}

function cut<T>(list: readonly T[]): [T[], T[]] | [] {
  const middle = Math.floor(list.length / 2)
  return middle === 0 ? [] : [list.slice(0, middle), list.slice(middle)]
}
