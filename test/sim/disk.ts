import type { LevelLike, Range } from '@bzzz/store'

export interface Disk {
  readonly level: LevelLike
  /** What a power cut leaves. */
  readonly synced: ReadonlyMap<string, Uint8Array>
  /** From now on every write fails, as on a disk that is full. */
  failWrites(): void
  /** Calls back in the middle of the next write, or of the one in hand. */
  duringNextWrite(action: () => void): void
  /** Nothing of the process is written or told any more. @param landed whether the write in hand still reached the disk */
  cut(landed: boolean): ReadonlyMap<string, Uint8Array>
}

type Operations = Parameters<LevelLike['batch']>[0]

/** A disk in memory. Each write is atomic, takes its time, and lasts once that is over. @param takesMs 0: at once */
export function createDisk(
  from: ReadonlyMap<string, Uint8Array>,
  after: (delayMs: number, action: () => void) => void,
  takesMs: () => number,
): Disk {
  const synced = new Map(from)
  let inHand: Operations | undefined
  let waiting: (() => void) | undefined
  let isCut = false
  let failing = false

  function apply(operations: Operations): void {
    for (const operation of operations) {
      if (operation.type === 'put') synced.set(operation.key, operation.value)
      else synced.delete(operation.key)
    }
  }

  function batch(operations: Operations): Promise<void> {
    if (failing) return Promise.reject(new Error('no space left on device'))
    const delayMs = takesMs()
    if (delayMs === 0) {
      apply(operations)
      return Promise.resolve()
    }
    inHand = operations
    if (waiting !== undefined) after(delayMs / 2, waiting)
    waiting = undefined
    return new Promise((resolve) => {
      after(delayMs, () => {
        if (isCut) return
        inHand = undefined
        apply(operations)
        resolve()
      })
    })
  }

  return {
    synced,
    level: {
      batch,
      get: async (key) => synced.get(key),
      getSync: (key) => synced.get(key),
      async *iterator(range) {
        for (const key of keysIn(synced, range)) {
          const value = synced.get(key)
          if (value !== undefined) yield [key, value]
        }
      },
      async *keys(range) {
        yield* keysIn(synced, range)
      },
      close: async () => undefined,
    },
    failWrites() {
      failing = true
    },
    duringNextWrite(action) {
      waiting = action
    },
    cut(landed) {
      isCut = true
      if (landed && inHand !== undefined) apply(inHand)
      return synced
    },
  }
}

/** Only what is opened, or looked for by more than its key, comes here. */
function keysIn(synced: ReadonlyMap<string, Uint8Array>, { gt, gte, lt, lte, reverse, limit }: Range): string[] {
  const inside: string[] = []
  for (const key of synced.keys()) {
    if (gt !== undefined && key <= gt) continue
    if (gte !== undefined && key < gte) continue
    if (lt !== undefined && key >= lt) continue
    if (lte !== undefined && key > lte) continue
    inside.push(key)
  }
  inside.sort()
  if (reverse === true) inside.reverse()
  return limit === undefined ? inside : inside.slice(0, limit)
}
