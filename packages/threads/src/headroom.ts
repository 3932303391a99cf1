import * as Automerge from '@automerge/automerge'

// An entry takes the CRDT some two and a half times the bytes of its change.
const STEP_BYTES = 16 * 1024 * 1024
const STEP_OF_CHANGES = STEP_BYTES / 3
// A node of few and short threads gets by with what is there.
const FIRST_CHANGES = 3 * STEP_OF_CHANGES

/**
 * Keeps a large free block in the CRDT's memory ahead of the changes that go into it. By itself that memory grows by 64 KiB
 * at a time, and with each step V8 counts the whole of it anew as memory outside of its heap: above 64 MiB every one of them
 * makes it collect all garbage, and a flood of posts spends most of its time in that.
 * @param grow takes and frees a block of so many bytes
 */
export function createHeadroom(grow: (bytes: number) => void): { use(bytes: number): void } {
  let left = FIRST_CHANGES
  return {
    /** @param bytes of changes that the CRDT is about to take */
    use(bytes) {
      left -= bytes
      if (left >= 0) return
      grow(STEP_BYTES)
      left = STEP_OF_CHANGES
    },
  }
}

/** Of the one memory that all documents of this thread of the process share. */
export const headroom = createHeadroom(growMemory)

let block: Uint8Array | undefined

/** There is no call for it: whatever is to be decoded is copied into that memory first, and freed when it is no message. */
function growMemory(bytes: number): void {
  block ??= new Uint8Array(bytes) // always the same: another one each time would make V8 collect, too
  try {
    Automerge.decodeSyncMessage(block)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
}
