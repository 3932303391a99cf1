import { Record as DhtRecord } from '@libp2p/kad-dht'
import { LevelDatastore } from 'datastore-level'
import { MeshError } from '../errors.ts'
import type { RecordRules } from '../records/rules.ts'

type Key = Parameters<LevelDatastore['put']>[0]
type PutOptions = Parameters<LevelDatastore['put']>[2]

const RECORD_PREFIX = '/dht/record/'

/**
 * libp2p's datastore, with the rule that kad-dht lacks: it overwrites a record by whatever it is handed, from others and
 * from ourselves, and asks its selector only when reading. Here a record never gives way to an older one, also after a
 * restart, because what is compared is what is stored.
 */
export class CacheDatastore extends LevelDatastore {
  readonly #rules: RecordRules
  #lastPut: Promise<unknown> = Promise.resolve()

  constructor(directory: string, rules: RecordRules) {
    super(directory)
    this.#rules = rules
  }

  /** The base class hands on what went wrong without its cause, and so without the disk's own words. */
  override async open(): Promise<void> {
    await this.db.open({ createIfMissing: true, compression: false })
  }

  /** @throws {MeshError} RECORD_REFUSED for a record older than the stored one */
  override put(key: Key, value: Uint8Array, options?: PutOptions): Promise<Key> {
    if (!key.toString().startsWith(RECORD_PREFIX)) return super.put(key, value, options)
    // one at a time: between the look and the write another put must not slip in
    const put = this.#lastPut.then(async () => {
      await this.#refuseOlder(key, value)
      return super.put(key, value, options)
    })
    this.#lastPut = put.catch(() => undefined) // its caller has the error; the next put only waits for the end
    return put
  }

  async #refuseOlder(key: Key, next: Uint8Array): Promise<void> {
    if (!(await this.has(key))) return
    const stored = DhtRecord.deserialize(await this.get(key))
    const offered = DhtRecord.deserialize(next)
    if (this.#rules.seqOf(offered.value) < this.#rules.seqOf(stored.value)) {
      throw new MeshError('RECORD_REFUSED', 'older than the record that is already known')
    }
  }
}
