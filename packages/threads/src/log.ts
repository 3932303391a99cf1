import { type MeshId, readEnvelope, type SeqVector, type ThreadId } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'

/** A change on its way into the log, or out of it. */
export interface Logged {
  readonly actor: string
  readonly seq: number
  /** The signed bytes, as their author made them. */
  readonly bytes: Uint8Array
}

/**
 * The signed log of all threads: the truth, from which documents, views and summaries are made.
 * Key `t/<thread>/c/<actor>/<seq>`: one change at most per (actor, seq). What is in it has all its causes in it.
 */
export interface ChangeLog {
  put(thread: ThreadId, change: Logged): Operation
  /** Everything of one thread, ascending (actor, seq). */
  all(thread: ThreadId): AsyncIterable<Uint8Array>
  /**
   * What `here` has beyond `have`: ascending seq for each actor, and no change before its causes, so that a receiver
   * never has to hold one back.
   */
  after(thread: ThreadId, have: SeqVector, here: SeqVector): AsyncIterable<Uint8Array>
}

export function openLog(room: Room, mesh: MeshId): ChangeLog {
  return {
    put: (thread, { actor, seq, bytes }) => ({ put: changeKey(thread, actor, seq), value: bytes }),
    async *all(thread) {
      for await (const [, bytes] of room.entries({ gt: `t/${thread}/c/`, lt: `t/${thread}/c0` })) yield bytes
    },
    async *after(thread, have, here) {
      const behind = [...here].filter(([actor, seq]) => seq > (have.get(actor) ?? 0))
      const parts = behind.map(([actor, seq]) =>
        room.entries({ gt: changeKey(thread, actor, have.get(actor) ?? 0), lte: changeKey(thread, actor, seq) }),
      )
      yield* mergeByCause(mesh, parts)
    },
  }
}

const SEQ_DIGITS = 10

export function changeKey(thread: ThreadId, actor: string, seq: number): string {
  return `t/${thread}/c/${actor}/${String(seq).padStart(SEQ_DIGITS, '0')}`
}

/** Operation numbers only grow along causes, so the smallest of all first ones has none of the others before it. */
async function* mergeByCause(
  mesh: MeshId,
  parts: readonly AsyncIterable<[string, Uint8Array]>[],
): AsyncGenerator<Uint8Array> {
  const iterators = parts.map((part) => part[Symbol.asyncIterator]())
  const next = async (from: (typeof iterators)[number]) => {
    const { value, done } = await from.next()
    return done === true ? [] : [{ from, bytes: value[1], startOp: readEnvelope(mesh, value[1]).header.startOp }]
  }
  try {
    let firsts = (await Promise.all(iterators.map(next))).flat()
    while (firsts.length > 0) {
      const earliest = firsts.reduce((a, b) => (b.startOp < a.startOp ? b : a))
      yield earliest.bytes
      firsts = [...firsts.filter((first) => first !== earliest), ...(await next(earliest.from))]
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()))
  }
}
