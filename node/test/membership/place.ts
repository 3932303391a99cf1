import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseUsd, signFirstManifest } from '@bzzz/budget'
import type { Incarnation, OpenedManifest } from '@bzzz/protocols'
import { openState, type StateDatabase } from '@bzzz/store'
import { type Owner, openOwner } from '../../src/budget/owner.ts'
import { readPriceTable } from '../../src/config/prices.ts'
import { identityFromSeed } from '../../src/identity/identity.ts'
import { type Invites, openInvites } from '../../src/membership/invites.ts'
import { type Membership, type MembershipFact, openMembership } from '../../src/membership/membership.ts'

export const seeded = (number: number) => identityFromSeed(new Uint8Array(32).fill(number))
export const owner = seeded(9)
export const walnut = seeded(1)

/** The membership of one node on a disk of its own, which can be opened again. */
export interface Place {
  readonly first: OpenedManifest
  readonly facts: MembershipFact[]
  /** `doubt`: what speaks against it. */
  readonly clock: { ms: number; doubt?: string | undefined }
  readonly membership: Membership
  readonly invites: Invites
  readonly book: Owner
  /** As after a crash: nothing is closed in order but the lock. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export async function openPlace(
  more: {
    readonly owner?: () => Promise<typeof owner>
    readonly incarnation?: Incarnation
    readonly maxVersions?: number
  } = {},
): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-membership-'))
  const first = await founded()
  const facts: MembershipFact[] = []
  const clock: Place['clock'] = { ms: Date.UTC(2026, 10, 22, 12) }
  const open = async () => {
    const state = await openState({ directory: join(directory, 'state') })
    const room = state.room('membership')
    const membership = await openMembership({ room, first, observe: (fact) => facts.push(fact) })
    const ownerKey = more.owner ?? (async () => owner)
    const account = { peer: walnut.peer, incarnation: more.incarnation ?? INCARNATION }
    const book = await openOwner({
      ...{ mesh: first.mesh, room, membership, account, owner: ownerKey, now: () => clock.ms },
      clockDoubt: () => clock.doubt,
      ...(more.maxVersions === undefined ? {} : { maxVersions: more.maxVersions }),
    })
    const invites = await openInvites({
      ...{ room, membership, self: walnut.peer, secret: Buffer.alloc(32, 5), randomBytes, now: () => clock.ms },
      owner: ownerKey,
      sign: book.sign,
      addrs: () => ['/ip4/127.0.0.1/tcp/4001'],
    })
    return { state, membership, invites, book }
  }
  let opened: { state: StateDatabase; membership: Membership; invites: Invites; book: Owner } = await open()
  return {
    ...{ first, facts, clock },
    get membership() {
      return opened.membership
    },
    get invites() {
      return opened.invites
    },
    get book() {
      return opened.book
    },
    async reopen() {
      await opened.book.close()
      await opened.state.close()
      opened = await open()
    },
    async close() {
      await opened.book.close()
      await opened.state.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const INCARNATION = '0'.repeat(32) as Incarnation
const FOUNDED_MS = Date.UTC(2026, 10, 22, 9)

async function founded(): Promise<OpenedManifest> {
  return signFirstManifest({
    ...{ network: 'lab', owner, perAgentDaily: null, thresholds: { warning: 800, critical: 950 }, clockSkewMs: 5_000 },
    members: [
      {
        member: { peer: walnut.peer, label: 'walnut', role: 'node', addrs: [] },
        account: { peer: walnut.peer, incarnation: INCARNATION },
        weight: 1,
      },
    ],
    limits: { day: parseUsd('9'), month: parseUsd('90') },
    prices: await readPriceTable({ prices_file: undefined, local_model: false, openai_model: 'gpt-4o-mini' }),
    now: () => FOUNDED_MS,
  })
}
