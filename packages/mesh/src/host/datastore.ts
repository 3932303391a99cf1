import { equalBytes } from '@bzzz/protocols'
import { Record as DhtRecord } from '@libp2p/kad-dht'
import { LevelDatastore } from 'datastore-level'
import { MeshError } from '../errors.ts'
import type { RecordRules } from '../records/rules.ts'
import { Shelf } from '../records/shelf.ts'

type Key = Parameters<LevelDatastore['put']>[0]
type PutOptions = Parameters<LevelDatastore['put']>[2]

const RECORD_PREFIX = '/dht/record/'
// Who serves which content: nothing of this mesh is looked for that way, and anybody could fill the disk with it.
const PROVIDER_PREFIX = '/dht/provider'

export interface CacheRules extends Pick<RecordRules, 'check' | 'numberOf'> {
  readonly onRefused: (code: string, reason: string) => void
  /** Wall clock, milliseconds. */
  readonly now: () => number
}

/**
 * libp2p's datastore, with the rules that kad-dht lacks: it overwrites a record by whatever it is handed, from others and
 * from ourselves, asks its selector only when reading, and keeps all there is for ever. Here a record never gives way to an
 * older one, also after a restart, because what is compared is what is stored; and each signer has so much room and no more.
 */
export class CacheDatastore extends LevelDatastore {
  readonly #rules: CacheRules
  readonly #shelf: Shelf
  #lastPut: Promise<unknown> = Promise.resolve()

  constructor(directory: string, rules: CacheRules) {
    super(directory)
    this.#rules = rules
    this.#shelf = new Shelf(rules.now)
  }

  /** The base class hands on what went wrong without its cause, and so without the disk's own words. */
  override async open(): Promise<void> {
    await this.db.open({ createIfMissing: true, compression: false })
    await this.#sweep()
  }

  /** @throws {MeshError} RECORD_REFUSED for a record older than the stored one, or one more than there is room for */
  override put(key: Key, value: Uint8Array, options?: PutOptions): Promise<Key> {
    const name = key.toString()
    if (name.startsWith(PROVIDER_PREFIX)) return Promise.reject(this.#refusal('UNKNOWN_KIND', 'a record of a provider'))
    if (!name.startsWith(RECORD_PREFIX)) return super.put(key, value, options)
    // one at a time: between the look and the write another put must not slip in
    const put = this.#lastPut.then(() => this.#putRecord(key, value, options))
    this.#lastPut = put.catch(() => undefined) // its caller has the error; the next put only waits for the end
    return put
  }

  async #putRecord(key: Key, value: Uint8Array, options?: PutOptions): Promise<Key> {
    const offered = DhtRecord.deserialize(value)
    await this.#refuseOlder(key, offered)
    const { signer } = this.#rules.check(offered.key, offered.value)
    if (this.#shelf.isDue(signer)) await this.#sweep()
    if (!this.#shelf.place(key.toString(), signer, value.length))
      throw this.#refusal('FULL', `${signer} has as many records here as one may have`)
    return super.put(key, value, options)
  }

  async #refuseOlder(key: Key, offered: DhtRecord): Promise<void> {
    if (!(await this.has(key))) return
    const stored = DhtRecord.deserialize(await this.get(key))
    const [before, next] = [stored, offered].map(({ key: of, value }) => this.#rules.numberOf(of, value))
    if (before === undefined || next === undefined || next > before) return
    if (next < before) throw this.#refusal('OLDER', 'older than the record that is already known')
    // the same again is kept as if it had just come; another one with its number proves a fork, and replaces nothing
    if (next >= 0 && !equalBytes(stored.value, offered.value))
      throw this.#refusal('CONTRADICTION', 'another record with the number of the one that is already known')
  }

  #refusal(code: string, reason: string): MeshError {
    this.#rules.onRefused(code, reason)
    return new MeshError('RECORD_REFUSED', reason)
  }

  /** Lets go of what is over, of signers who are no members any more, and of what nobody has published for two days. */
  async #sweep(): Promise<void> {
    this.#shelf.clear()
    for await (const { key, value } of this.query({ prefix: RECORD_PREFIX })) {
      const signer = this.#signerOf(value)
      if (signer === undefined || !this.#shelf.place(key.toString(), signer, value.length)) await this.delete(key)
    }
  }

  /** @returns undefined for what is not to be kept */
  #signerOf(bytes: Uint8Array): string | undefined {
    try {
      const { key, value, timeReceived } = DhtRecord.deserialize(bytes)
      return this.#shelf.isOld(timeReceived.getTime()) ? undefined : this.#rules.check(key, value).signer
    } catch {
      // it keeps the rules no more, or libp2p itself cannot read it: it is a cache, and whoever wrote it publishes it again
      return undefined
    }
  }
}
