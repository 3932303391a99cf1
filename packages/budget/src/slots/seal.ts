import {
  type Account,
  type MeshId,
  openSlot,
  type Period,
  parsePeriod,
  type Signer,
  sealSlot,
  slotHash,
} from '@bzzz/protocols'
import type { Balance } from '../books/balance.ts'
import type { Seal } from '../ledger/page.ts'

export interface SealTerms {
  readonly mesh: MeshId
  readonly account: Account
  readonly signer: Signer
  /** In force. */
  readonly manifestVersion: () => number
}

/** Seals what an account may be told to have charged; it leaves the node once the batch it was sealed in is synced. */
export function slotSealer({ mesh, account, signer, manifestVersion }: SealTerms): Seal {
  return {
    of({ period, initial, reserved, released, overrun }, { seq, boot, wallMs, before }) {
      const prevHash = before === null ? null : Uint8Array.from(slotHash(before))
      const counters = { initial, granted: [], received: [], reserved, released, overrun }
      return sealSlot(
        {
          v: 1,
          period,
          account,
          boot,
          seq,
          manifestVersion: manifestVersion(),
          prevHash,
          wallMs,
          state: 'open',
          ...counters,
        },
        mesh,
        signer,
      )
    },
    tells(bytes, balance: Balance) {
      const slot = openSlot(bytes, mesh)
      return COUNTERS.every((counter) => slot[counter] === balance[counter])
    },
  }
}

const COUNTERS = ['initial', 'reserved', 'released', 'overrun'] as const

/** An agent's day never leaves the node. */
export function isShared(period: Period): boolean {
  return parsePeriod(period)?.kind !== 'agent-day'
}
