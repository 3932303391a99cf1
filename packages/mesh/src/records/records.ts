import { ProtocolError } from '@bzzz/protocols'
import type { KadDHT, QueryEvent } from '@libp2p/kad-dht'
import { MeshError } from '../errors.ts'
import type { Observe } from '../facts.ts'
import type { Mesh } from '../mesh.ts'
import type { RecordRules } from './rules.ts'

export interface RecordsOptions {
  readonly dht: KadDHT
  readonly rules: RecordRules
  readonly timeoutMs: number
  readonly closing: AbortSignal
  readonly observe: Observe
}

/** DHT records under the mesh's rules. kad-dht neither validates a local put nor counts what others stored: done here. */
export function createRecords(options: RecordsOptions): Pick<Mesh, 'putRecord' | 'getRecord'> {
  const { dht, rules, closing, observe } = options

  /** Walks the events of one query until it ends, its time is over (then it simply ends), or the caller gives up. */
  async function walk(
    query: (signal: AbortSignal) => AsyncIterable<QueryEvent>,
    signal: AbortSignal,
    each: (event: QueryEvent) => void,
  ): Promise<void> {
    if (closing.aborted) throw new MeshError('CLOSED', 'the mesh is closed')
    const timeUp = AbortSignal.timeout(options.timeoutMs)
    try {
      for await (const event of query(AbortSignal.any([signal, closing, timeUp]))) each(event)
    } catch (error) {
      signal.throwIfAborted()
      if (closing.aborted) throw new MeshError('CLOSED', 'the mesh was closed meanwhile', { cause: error })
      // a stale holder that refuses to be corrected ends the query with a QueryError; what was found stands
      if (!timeUp.aborted && !(error instanceof Error && error.name === 'QueryError')) throw error
    }
  }

  async function putRecord(key: Uint8Array, value: Uint8Array, { signal }: { signal: AbortSignal }): Promise<number> {
    signal.throwIfAborted()
    const started = performance.now()
    try {
      rules.check(key, value)
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      throw new MeshError('RECORD_REFUSED', cause.message, { cause })
    }
    let acks = 0
    await walk(
      (within) => dht.put(key, value, { signal: within }),
      signal,
      (event) => {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') acks++
      },
    )
    observe({ type: 'record-put', acks, seconds: (performance.now() - started) / 1000 })
    return acks
  }

  async function getRecord(key: Uint8Array, { signal }: { signal: AbortSignal }): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    const started = performance.now()
    let best: Uint8Array | undefined
    // every answer is looked at as it comes: kad-dht itself names a value only after the slowest peer
    const consider = (value: Uint8Array): void => {
      if (best === undefined || rules.numberOf(key, value) > rules.numberOf(key, best)) best = value
    }
    await walk(
      (within) => dht.get(key, { signal: within }),
      signal,
      (event) => {
        if (event.name === 'PEER_RESPONSE' && event.record !== undefined) consider(event.record.value)
        if (event.name === 'VALUE') consider(event.value)
      },
    )
    observe({ type: 'record-got', found: best !== undefined, seconds: (performance.now() - started) / 1000 })
    return best && Uint8Array.from(best)
  }

  return { putRecord, getRecord }
}
