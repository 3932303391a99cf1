import {
  isLaptopActor,
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
 * Page after page of what is asked for, thread by thread in the order asked, straight from the store, read as pages are
 * taken. The log gives causes before effects, so whoever stores the pages in turn can apply all of each.
 */
export async function* pagesOf(
  log: Pick<ThreadsPort, 'envelopesAfter'>,
  asked: readonly (readonly [ThreadId, SeqVector])[],
): AsyncGenerator<Page, undefined> {
  let envelopes: Uint8Array[] = []
  let bytes = 0
  for (const [thread, have] of asked) {
    for await (const envelope of log.envelopesAfter(thread, have)) {
      if (envelopes.length >= MAX_PAGE_ENVELOPES || bytes + envelope.length > MAX_PAGE_BYTES) {
        yield { envelopes, more: true }
        envelopes = []
        bytes = 0
      }
      envelopes.push(envelope)
      bytes += envelope.length
    }
  }
  yield { envelopes, more: false }
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
  return (
    !isLaptopActor(actor) && isOpenerOf(thread, peerIdFromPublicKey(Buffer.from(actor.slice(0, KEY_DIGITS), 'hex')))
  )
}
