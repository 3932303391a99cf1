/** Reads the key for each request, and keeps it out of every message. */
export interface Keyring {
  readonly read: () => Promise<string>
  readonly scrub: (text: string) => string
}

/** Keys may change while the node runs; messages of requests with earlier ones may still be on their way. */
const MAX_REMEMBERED_KEYS = 4
const KEY_LIKE = /\bsk-[\w*-]{4,}/g

export function createKeyring(readKey: () => string | Promise<string>): Keyring {
  const used = new Set<string>()
  return {
    async read() {
      const key = (await readKey()).trim()
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
