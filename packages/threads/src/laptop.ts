import * as Automerge from '@automerge/automerge'

/*
 * For programs that open threads with a stock automerge-repo client over a node's /sync. It needs nothing but Automerge
 * itself, in Node or a browser: this file may be copied.
 */

/** What a node says at `GET /sync/info` about itself and the holder of the token. */
export interface Sponsor {
  /** Public key of the node, 64 hexadecimal digits: it signs for what its laptops write. */
  readonly key: string
  /** `human:<name>@<peer of the node>`: the only author that the token may write as. */
  readonly author: string
}

/** What automerge-repo's `DocHandle` can do, as far as it is needed. */
export interface Handle {
  doc(): unknown
  // biome-ignore lint/suspicious/noExplicitAny: DocHandle<T> of any T has to fit.
  update(callback: (doc: any) => any): void
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  change(callback: (draft: any) => void): void
}

interface Thread {
  readonly log: Record<string, { readonly length: number }>
}

/** Pages are filled one after the other: an append costs as much as the page is long. */
const PAGE_ENTRIES = 256
const ACTOR_DIGITS = 96
const RANDOM_BYTES = 16

/**
 * Appends one entry, as a node does: JSON in an immutable string, at the end of the last page of an actor that begins with
 * the sponsor's key. Nothing else may be changed in a thread. Works offline; the node answers the sync message once the entry
 * is on its disk.
 * @param entry its type (`message` if left out) and the members that go with it; at most 128 KiB of JSON
 * @returns the entry's id
 * @throws {TypeError} when the sponsor is not what `GET /sync/info` answers, such as a refusal
 */
export function appendEntry(
  handle: Handle,
  entry: { type?: string; [member: string]: unknown },
  sponsor: Sponsor,
): string {
  checkSponsor(sponsor)
  const actor = boundActor(handle, sponsor)
  const { log } = handle.doc() as Thread
  let page = 0
  while ((log[`${actor}/${page}`]?.length ?? 0) >= PAGE_ENTRIES) page++
  const key = `${actor}/${page}`
  const id = randomHex(RANDOM_BYTES)
  const whole = { type: 'message', content: '', ts: Date.now(), ...entry, id, author: sponsor.author }
  const text = new Automerge.ImmutableString(JSON.stringify(whole))
  handle.change((draft: { log: Record<string, unknown[]> }) => {
    draft.log[key] ??= []
    draft.log[key]?.push(text)
  })
  return id
}

/** Whatever the types say: it came over the network. */
function checkSponsor({ key, author }: Partial<Sponsor>): void {
  if (typeof key === 'string' && /^[0-9a-f]{64}$/.test(key) && typeof author === 'string' && author !== '') return
  throw new TypeError('the sponsor needs the key and the author that GET /sync/info answers: was the token refused?')
}

/** Only with such an actor can the node sign for what is written. Another one is drawn for every copy of the document. */
function boundActor(handle: Handle, { key }: Sponsor): string {
  const current = Automerge.getActorId(handle.doc() as Automerge.Doc<unknown>)
  if (current.startsWith(key) && current.length === ACTOR_DIGITS) return current
  const actor = key + randomHex(RANDOM_BYTES)
  handle.update((doc) => Automerge.clone(doc, { actor }))
  return actor
}

function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
