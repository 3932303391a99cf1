import { type Account, type MeshId, parsePeriod, type Signer, sealSlot, slotHash } from '@bzzz/protocols'
import type { SealSlot } from '../ledger/page.ts'

export interface SealTerms {
  readonly mesh: MeshId
  readonly account: Account
  readonly signer: Signer
  /** In force. */
  readonly manifestVersion: number
}

/** Seals what an account may be told to have charged; it leaves the node once the batch it was sealed in is synced. */
export function slotSealer({ mesh, account, signer, manifestVersion }: SealTerms): SealSlot {
  return ({ period, initial, reserved, released, overrun }, { seq, boot, wallMs, before }) => {
    if (parsePeriod(period)?.kind === 'agent-day') return null
    const prevHash = before === null ? null : Uint8Array.from(slotHash(before))
    const counters = { initial, granted: [], received: [], reserved, released, overrun }
    return sealSlot(
      { v: 1, period, account, boot, seq, manifestVersion, prevHash, wallMs, state: 'open', ...counters },
      mesh,
      signer,
    )
  }
}
