import { inspectChange, isLaptopActor, type MeshId, type Signer, sealEnvelope, type ThreadId } from '@bzzz/protocols'
import type { EditRefusal, Threads } from '@bzzz/threads'
import type { ObserveSync } from './facts.ts'

export interface StoringOptions {
  readonly mesh: MeshId
  readonly signer: Signer
  readonly threads: Pick<Threads, 'receive' | 'vector'>
  /** To the other nodes. */
  readonly publish: (envelope: Uint8Array, thread: ThreadId) => void
  readonly observe: ObserveSync
}

export type Stored =
  | { readonly status: 'stored' }
  | { readonly status: 'refused'; readonly code: EditRefusal }
  /** The store did not take what the replica took: the replica is wrong. */
  | { readonly status: 'apart'; readonly reason: string }

// A thread takes 4,096 actors in all, and each opening of a laptop's document is one.
const MAX_LAPTOP_ACTORS = 1_024

/**
 * Signs changes of laptops as their sponsor and hands them to the store, whose boundary they pass as any others. Never signs
 * two changes with one number. @throws {ThreadsError} BUSY, FROZEN or CLOSED
 */
export async function storeAsSponsor(
  { mesh, signer, threads, publish, observe }: StoringOptions,
  thread: ThreadId,
  changes: readonly Uint8Array[],
): Promise<Stored> {
  const refused = await outOfSequence(threads, signer, thread, changes)
  if (refused !== undefined) return { status: 'refused', code: refused }
  const envelopes = changes.map((change) => sealEnvelope(mesh, thread, change, signer))
  const received = await Promise.all(envelopes.map((envelope) => threads.receive(envelope)))
  for (const [i, { status }] of received.entries()) {
    const envelope = envelopes[i]
    if (status === 'applied' && envelope !== undefined) publish(envelope, thread)
  }
  const failed = received.find(({ status }) => status !== 'applied' && status !== 'repeat')
  if (failed === undefined) {
    if (changes.length > 0) observe({ type: 'edited', changes: changes.length, bytes: bytesOf(changes) })
    return { status: 'stored' }
  }
  if (failed.status === 'lost') return { status: 'refused', code: 'LOST' }
  return { status: 'apart', reason: 'reason' in failed ? failed.reason : failed.status }
}

async function outOfSequence(
  threads: Pick<Threads, 'vector'>,
  signer: Signer,
  thread: ThreadId,
  changes: readonly Uint8Array[],
): Promise<EditRefusal | undefined> {
  const vector = await threads.vector(thread)
  const last = new Map([...vector].map(([actor, { seq }]) => [actor, seq]))
  const key = Buffer.from(signer.publicKey).toString('hex')
  const laptops = [...last.keys()].filter((actor) => isLaptopActor(actor) && actor.startsWith(key))
  let room = MAX_LAPTOP_ACTORS - laptops.length
  for (const { actor, seq } of changes.map(inspectChange)) {
    if (!last.has(actor) && --room < 0) return 'TOO_MANY_ACTORS'
    if (seq !== (last.get(actor) ?? 0) + 1) return 'EQUIVOCATION'
    last.set(actor, seq)
  }
  return undefined
}

function bytesOf(changes: readonly Uint8Array[]): number {
  return changes.reduce((sum, { length }) => sum + length, 0)
}
