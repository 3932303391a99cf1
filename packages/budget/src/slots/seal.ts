import { type Account, grantHash, type MeshId, type Signer, type Slot, sealSlot, slotHash } from '@bzzz/protocols'
import type { Transfers } from '../books/transfers.ts'
import type { Seal } from '../ledger/page.ts'

export interface SealTerms {
  readonly mesh: MeshId
  readonly account: Account
  readonly signer: Signer
  /** In force. */
  readonly manifestVersion: () => number
  /** `closed`: the account ends with what is sealed now; `frozen`: it charges nothing any more. */
  readonly state: () => Slot['state']
}

/** Seals what an account may be told to have charged; it leaves the node once the batch it was sealed in is synced. */
export function slotSealer({ mesh, account, signer, manifestVersion, state }: SealTerms): Seal {
  return {
    of({ period, initial, transfers, reserved, released, overrun }, { seq, boot, wallMs, before }) {
      const prevHash = before === null ? null : Uint8Array.from(slotHash(before))
      const counters = { initial, ...movedBy(transfers), reserved, released, overrun }
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
          state: state(),
          ...counters,
        },
        mesh,
        signer,
      )
    },
    ends: () => state() === 'closed',
  }
}

/** What a slot tells of them. */
export function movedBy({ given, taken }: Transfers): Pick<Slot, 'granted' | 'received'> {
  return {
    granted: given.map(({ party, boot, cumulative, grant }) => {
      return { account: party, boot, cumulative, grant: Uint8Array.from(grantHash(grant)) }
    }),
    received: taken.map(({ grant }) => Uint8Array.from(grantHash(grant))),
  }
}
