import type { Mark, Marker } from '@bzzz/budget'

/** The file that says how far a ledger had come. */
export interface MarkFile extends Marker {
  /** As it is. */
  readonly now: Mark | undefined
  /** The machine lost power: what was written last may not have reached the disk. */
  lag(): void
  /** The disk is gone. @param isElsewhere the file was on another one */
  lose(isElsewhere: boolean): void
}

export function createMark(atFirst?: Mark): MarkFile {
  let mark = atFirst
  let before: Mark | undefined
  return {
    read: async () => mark,
    write: async (next) => {
      before = mark
      mark = next
    },
    get now() {
      return mark
    },
    lag() {
      mark = before
    },
    lose(isElsewhere) {
      if (isElsewhere) return
      mark = undefined
      before = undefined
    },
  }
}
