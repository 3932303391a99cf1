import { ConfigError } from '../config/errors.ts'
import { tellAcks } from './acks.ts'
import { type ChangesOptions, createManifestChanges, type ManifestChanges } from './changes.ts'
import { createLeaveTaker, type LeavingOptions, type Left, leaveMesh } from './leave.ts'
import type { OwnerFact } from './owner.ts'
import { type WelcomeFact, type WelcomeOptions, welcomeNewcomers } from './welcome.ts'
import type { BudgetHooks } from './wires.ts'

export type OfficeFact = OwnerFact | WelcomeFact | { readonly type: 'ack-not-made'; readonly error: unknown }

export interface OfficeOptions
  extends Omit<
    ChangesOptions & LeavingOptions & WelcomeOptions,
    'ownerKeyHere' | 'patience' | 'observe' | 'budget' | 'mesh'
  > {
  readonly budget: ChangesOptions['budget'] &
    LeavingOptions['budget'] &
    WelcomeOptions['budget'] &
    Parameters<typeof tellAcks>[0]['budget']
  readonly mesh: ChangesOptions['mesh'] & LeavingOptions['mesh'] & WelcomeOptions['mesh']
  /** A laptop holds no rights: it confirms and gives nothing. */
  readonly isLaptop: boolean
  /** @throws {ConfigError} OWNER_KEY_MISSING */
  readonly ownerKey: () => Promise<unknown>
  /** What other nodes tell. */
  readonly hooks: BudgetHooks
  readonly observe: (fact: OfficeFact) => void
}

/** Where the manifest is changed and confirmed, and machines come and go: everything of it that needs the open mesh. */
export interface Office extends ManifestChanges {
  leave(): Promise<Left>
  close(): Promise<void>
}

/** How long the owner's node may take to let this one go. */
const LEAVE_MS = 10_000

export function openOffice(options: OfficeOptions): Office {
  const { owner, membership, hooks, isLaptop, observe } = options
  const ownerKeyHere = async (): Promise<boolean> => {
    try {
      await options.ownerKey()
      return true
    } catch (error) {
      if (error instanceof ConfigError) return false
      throw error
    }
  }
  hooks.onAck = owner.onAck
  hooks.onLeave = createLeaveTaker(membership.mesh, owner)
  const stops = isLaptop
    ? []
    : [
        tellAcks({ ...options, onFailed: (error) => observe({ type: 'ack-not-made', error }) }),
        welcomeNewcomers({ ...options, observe }),
      ]
  return {
    ...createManifestChanges({ ...options, ownerKeyHere }),
    leave: () => leaveMesh({ ...options, ownerKeyHere, patience: () => AbortSignal.timeout(LEAVE_MS) }),
    async close() {
      for (const stop of stops) await stop()
    },
  }
}
