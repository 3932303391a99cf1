import type { ThreadId } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import type { Cuts } from './equivocation.ts'

/** A change that is kept, but neither in the log nor in the document. */
export interface Quarantined {
  readonly hash: string
  /**
   * `proof`: one of the two that show where its actor ends. `beaten`: beyond or beside that end, or it follows such a
   * change. The others: a reader of the log could not have taken it.
   */
  readonly reason: 'proof' | 'beaten' | 'CRDT_REFUSED'
  /** Hash of the change that beat it; empty if none did. */
  readonly beatenBy: string
  readonly envelope: Uint8Array
}

// Of one thread, beside proofs. The oldest are forgotten: what is beaten loses again, what cannot be read is tried once more.
const MAX_QUARANTINED = 4096

/** `q/<thread>/<hash>`: what was signed and does not stand, so that it is known when it comes again and can be shown. */
export class Quarantine {
  readonly #room: Room

  constructor(room: Room) {
    this.#room = room
  }

  async get(thread: ThreadId, hash: string): Promise<Quarantined | undefined> {
    const row = await this.#room.get(keyOf(thread, hash))
    if (row === undefined) return undefined
    const { envelope, ...rest } = JSON.parse(Buffer.from(row).toString()) as Quarantined & { envelope: string }
    return { ...rest, envelope: Buffer.from(envelope, 'base64') }
  }

  async hashes(thread: ThreadId): Promise<string[]> {
    const hashes: string[] = []
    for await (const key of this.#room.keys({ gt: `q/${thread}/`, lt: `q/${thread}0` })) {
      hashes.push(key.slice(key.lastIndexOf('/') + 1))
    }
    return hashes
  }

  /** The changes that may not come into the document: all but where actors end, which may still wait for their causes. */
  async barred(thread: ThreadId, cuts: Cuts): Promise<Set<string>> {
    const barred = new Set(await this.hashes(thread))
    for (const { hash } of cuts.values()) {
      const reason = (await this.get(thread, hash))?.reason
      if (reason === 'proof' || reason === 'beaten') barred.delete(hash)
    }
    return barred
  }

  /** Adds rows, as many as there is room for: proofs always. */
  async put(thread: ThreadId, rows: readonly Quarantined[], cuts: Cuts): Promise<Operation[]> {
    const proofs = new Set([...cuts.values()].flatMap(({ hash, rival }) => [hash, rival]))
    const known = new Set([...(await this.hashes(thread)), ...rows.map(({ hash }) => hash)])
    const others = [...known].filter((hash) => !proofs.has(hash))
    const dropped = others.slice(0, Math.max(0, others.length - MAX_QUARANTINED))
    return [
      ...rows.map(({ envelope, ...rest }) => {
        const row = { ...rest, envelope: Buffer.from(envelope).toString('base64') }
        return { put: keyOf(thread, rest.hash), value: Buffer.from(JSON.stringify(row)) }
      }),
      ...dropped.map((hash) => ({ del: keyOf(thread, hash) })),
    ]
  }
}

function keyOf(thread: ThreadId, hash: string): string {
  return `q/${thread}/${hash}`
}
