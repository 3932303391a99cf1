import {
  type ManifestChange,
  SIGNING_RULES,
  type SignerBook,
  signChangeBy,
  trimmed,
  withAck,
  withVersion,
} from '@bzzz/budget'
import { type Ack, type OpenedManifest, openAck } from '@bzzz/protocols'
import type { ChangingLimits } from './limits.ts'
import type { Mutant } from './mutants.ts'
import { owner as signer, verifies } from './people.ts'
import type { World } from './world.ts'

/** The mesh's owner: a key and a book, at one of the nodes. The book is on a disk that lasts. */
export interface Owner {
  readonly newest: OpenedManifest
  /** @returns whether it was signed */
  change(change: ManifestChange): boolean
  hearAck(bytes: Uint8Array): void
}

export interface OwnerTerms {
  readonly world: World
  readonly mutant: Mutant
  readonly first: OpenedManifest
  readonly limits: ChangingLimits
  readonly now: () => number
  /** Why the clock is not to be gone by. */
  readonly clockDoubt: () => string | undefined
  /** Sends a version out. */
  readonly tell: (next: OpenedManifest) => void
}

export function createOwner({ world, mutant, first, limits, now, clockDoubt, tell }: OwnerTerms): Owner {
  const rules = { ...SIGNING_RULES, ...mutant.signing }
  let book: SignerBook = { versions: [first], acks: new Map(), forks: [] }

  const newest = (): OpenedManifest => book.versions.at(-1) ?? first

  function change(wanted: ManifestChange): boolean {
    const objection = clockDoubt()
    if (objection !== undefined) {
      world.trace(() => `the owner: ${wanted.kind}, ${objection}`)
      return false
    }
    const signed = signChangeBy(rules, book, wanted, { owner: signer, now: now() })
    if (wanted.kind !== 'advance' || signed.status === 'signed') {
      const reason = signed.status === 'refused' ? `${signed.code}: ${signed.reason}` : signed.status
      world.trace(() => `the owner: ${wanted.kind}, ${reason}, version ${newest().manifest.version} before`)
    }
    if (signed.status !== 'signed') return signed.status === 'unchanged'
    book = trimmed(withVersion(book, signed.next), now())
    limits.signed(signed.next.manifest)
    tell(signed.next)
    return true
  }

  return {
    get newest() {
      return newest()
    },
    change,
    hearAck(bytes) {
      const ack: Ack = openAck(bytes, first.mesh, verifies)
      const after = withAck(book, ack)
      if (after === book) return
      book = after
      limits.acknowledged(ack.account, ack.version)
      change({ kind: 'advance' })
    },
  }
}
