import type { Mark, Marker } from '@bzzz/budget'

/** The file that says how far a ledger had come. */
export interface MarkFile extends Marker {
  /** The machine lost power: what was written last may not have reached the disk. */
  lag(): void
  /** The disk is gone. @param isElsewhere the file was on another one */
  lose(isElsewhere: boolean): void
}

export function createMark(): MarkFile {
  let mark: Mark | undefined
  let before: Mark | undefined
  return {
    read: async () => mark,
    write: async (next) => {
      before = mark
      mark = next
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
