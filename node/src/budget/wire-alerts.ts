import type { Budget } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import type { BudgetThing, MeshId, PeerId } from '@bzzz/protocols'
import type { SharedCounter } from '../counter/shared-counter.ts'
import { watchAlerts } from './alert-watch.ts'
import { type AlertFact, type Alerts, type AlertsOptions, openAlerts } from './alerts.ts'
import type { BudgetHooks } from './wires.ts'

export interface AlertWiring extends Pick<AlertsOptions, 'room' | 'signer' | 'manifest' | 'now'> {
  readonly meshId: MeshId
  readonly mesh: Pick<Mesh, 'peers' | 'tellBudget'>
  readonly budget: Pick<Budget, 'report' | 'subscribe'>
  readonly counter: Pick<SharedCounter, 'total'>
  /** Of the wires; filled here. */
  readonly hooks: BudgetHooks
  /** A laptop is told nothing of money and tells nothing. */
  readonly tells: boolean
  readonly observe: (fact: AlertsFact) => void
}

export type AlertsFact =
  | AlertFact
  /** Sums or the disk could not be read or written; it is looked again. */
  | { readonly type: 'alerts-failed'; readonly error: unknown }

/** Alerts that hear the mesh, tell it, and look at its sums by themselves. */
export async function wireAlerts(wiring: AlertWiring): Promise<Alerts & { close(): Promise<void> }> {
  const { room, meshId, mesh, signer, manifest, budget, counter, hooks, now, observe } = wiring
  const online = (): PeerId[] => mesh.peers().flatMap(({ peer, state }) => (state === 'online' ? [peer] : []))
  const tell = (thing: BudgetThing, but: PeerId | null): void => {
    for (const peer of online()) if (peer !== but) mesh.tellBudget(thing, peer)
  }
  const alerts = await openAlerts({
    ...{ room, mesh: meshId, signer, manifest, tell, now, observe },
    periods: () =>
      budget.report().periods.flatMap(({ period, kind }) => (kind === 'day' || kind === 'month' ? [period] : [])),
    total: counter.total,
    online: () => new Set(online()),
  })
  hooks.onAlert = alerts.receive
  hooks.greeting = alerts.greeting
  const onSpending = (listener: () => void): (() => void) => budget.subscribe(listener)
  const onError = (error: unknown): void => observe({ type: 'alerts-failed', error })
  const close = wiring.tells ? watchAlerts({ alerts, onSpending, onError }) : async () => {}
  return { ...alerts, close }
}
