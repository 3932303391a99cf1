import type { LevelLike, Range } from '@bzzz/store'

/** A disk in memory: what was synced can be taken as it stands at any moment, and the next writes can be made to fail. */
export interface MemoryLevel extends LevelLike {
  readonly synced: ReadonlyMap<string, Uint8Array>
  failWrites(): void
}

export function createMemoryLevel(from: ReadonlyMap<string, Uint8Array> = new Map()): MemoryLevel {
  const synced = new Map(from)
  let failing = false

  function keysIn({ gt, gte, lt, lte, reverse = false, limit = Number.POSITIVE_INFINITY }: Range): string[] {
    const inside = [...synced.keys()].filter((key) => {
      return (
        (gt === undefined || key > gt) &&
        (gte === undefined || key >= gte) &&
        (lt === undefined || key < lt) &&
        (lte === undefined || key <= lte)
      )
    })
    const sorted = inside.sort()
    return (reverse ? sorted.reverse() : sorted).slice(0, limit)
  }

  return {
    synced,
    failWrites: () => {
      failing = true
    },
    async batch(operations) {
      await Promise.resolve()
      if (failing) throw new Error('no space left on device')
      for (const operation of operations) {
        if (operation.type === 'put') synced.set(operation.key, operation.value)
        else synced.delete(operation.key)
      }
    },
    get: async (key) => synced.get(key),
    getSync: (key) => synced.get(key),
    async *iterator(range) {
      for (const key of keysIn(range)) {
        const value = synced.get(key)
        if (value !== undefined) yield [key, value]
      }
    },
    async *keys(range) {
      yield* keysIn(range)
    },
    close: async () => undefined,
  }
}
