import {
  isOpenerOf,
  MAX_PAGE_BYTES,
  MAX_PAGE_ENVELOPES,
  peerIdFromPublicKey,
  type SeqVector,
  type ThreadId,
} from '@bzzz/protocols'
import type { ThreadsPort } from '../threads-port.ts'

export interface Page {
  readonly envelopes: Uint8Array[]
  /** There is more of what was asked for. */
  readonly more: boolean
}

/**
 * What fits into one answer, thread by thread in the order asked, straight from the store. The log gives causes before
 * effects, so whoever stores a page can apply all of it, and the next page follows from there.
 */
export async function pageOf(
  log: Pick<ThreadsPort, 'envelopesAfter'>,
  asked: readonly (readonly [ThreadId, SeqVector])[],
): Promise<Page> {
  const envelopes: Uint8Array[] = []
  let bytes = 0
  for (const [thread, have] of asked) {
    for await (const envelope of log.envelopesAfter(thread, have)) {
      bytes += envelope.length
      if (envelopes.length >= MAX_PAGE_ENVELOPES || bytes > MAX_PAGE_BYTES) return { envelopes, more: true }
      envelopes.push(envelope)
    }
  }
  return { envelopes, more: false }
}

/**
 * The first change of each thread's opener, and of a later part of a thread its first one, which says what it is a part of;
 * nothing of a thread in which the opener has written nothing yet.
 */
export async function openingsOf(
  log: Pick<ThreadsPort, 'envelopesAfter' | 'vector' | 'rootOf'>,
  threads: readonly ThreadId[],
): Promise<Page> {
  const envelopes: Uint8Array[] = []
  let bytes = 0
  for (const thread of threads) {
    // who has all of the others lacks only what the opener wrote
    const isLater = log.rootOf(thread) !== thread
    const others = [...(await log.vector(thread))].filter(([actor]) => !isLater && !isOpenersActor(thread, actor))
    for await (const opening of log.envelopesAfter(thread, new Map(others))) {
      bytes += opening.length
      if (bytes > MAX_PAGE_BYTES) return { envelopes, more: true }
      envelopes.push(opening)
      break
    }
  }
  return { envelopes, more: false }
}

const KEY_DIGITS = 64

function isOpenersActor(thread: ThreadId, actor: string): boolean {
  return isOpenerOf(thread, peerIdFromPublicKey(Buffer.from(actor.slice(0, KEY_DIGITS), 'hex')))
}
