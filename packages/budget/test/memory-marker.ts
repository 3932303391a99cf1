import type { Mark, Marker } from '../src/ledger/marker.ts'

/** A mark in memory, that a test can take, put back, lose, or keep from being written. */
export interface MemoryMarker extends Marker {
  write: Marker['write']
  mark: Mark | undefined
  readonly written: Mark[]
  failing: boolean
}

export function createMemoryMarker(): MemoryMarker {
  const marker: MemoryMarker = {
    mark: undefined,
    written: [],
    failing: false,
    read: async () => marker.mark,
    write: async (mark) => {
      if (marker.failing) throw new Error('EIO')
      marker.mark = mark
      marker.written.push(mark)
    },
  }
  return marker
}
