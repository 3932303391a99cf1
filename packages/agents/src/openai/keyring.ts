/** Reads the key for each request, and keeps it out of every message. */
export interface Keyring {
  /** A text in any case, since the client library wants one. */
  readonly read: () => Promise<string>
  /** Whether there was a key at the last reading. */
  readonly hasKey: boolean
  readonly scrub: (text: string) => string
}

/** Keys may change while the node runs; messages of requests with earlier ones may still be on their way. */
const MAX_REMEMBERED_KEYS = 4
const KEY_LIKE = /\bsk-[\w*-]{4,}/g
/** What servers without keys are sent. */
const NO_KEY = 'none'

export function createKeyring(readKey: () => string | undefined | Promise<string | undefined>): Keyring {
  const used = new Set<string>()
  let hasKey = false
  return {
    get hasKey() {
      return hasKey
    },
    async read() {
      const key = (await readKey())?.trim()
      hasKey = key !== undefined
      if (key === undefined) return NO_KEY
      used.add(key)
      const [oldest] = used
      if (used.size > MAX_REMEMBERED_KEYS && oldest !== undefined) used.delete(oldest)
      return key
    },
    scrub: (text) =>
      [...used]
        .reduce((clean, key) => (key === '' ? clean : clean.replaceAll(key, '[key]')), text)
        .replace(KEY_LIKE, '[key]'),
  }
}
