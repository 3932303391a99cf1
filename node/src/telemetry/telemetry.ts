import type { AgentFact } from '@bzzz/agents'
import type { Budget, BudgetFact } from '@bzzz/budget'
import type { Mesh, MeshFact } from '@bzzz/mesh'
import type { ThreadFact, Threads } from '@bzzz/threads'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { OfficeFact } from '../budget/office.ts'
import type { SightingsFact } from '../budget/sightings.ts'
import type { AlertsFact } from '../budget/wire-alerts.ts'
import type { WiresFact } from '../budget/wires.ts'
import type { HttpFact } from '../http/facts.ts'
import type { MembershipFact } from '../membership/membership.ts'
import type { SyncFact } from '../sync/facts.ts'
import { observeAgents } from './agents.ts'
import { observeAlerts } from './alerts.ts'
import { gaugeBudget, observeBudget, observeWires } from './budget.ts'
import { observeHttp } from './http.ts'
import { createLog, type Log, type LogOptions } from './log.ts'
import { observeMembership } from './membership.ts'
import { gaugeMesh, observeMesh } from './mesh.ts'
import { observeOffice } from './owner.ts'
import { createRareLines } from './rare-lines.ts'
import { observeSync } from './sync.ts'
import { gaugeThreads, observeThreads } from './threads.ts'

/** Turns what the rooms report into log lines and metrics. One per node: nothing of it is global. */
export interface Telemetry {
  readonly log: Log
  /** Also what `/metrics` serves. */
  readonly registry: Registry
  /** What each room takes as its `observe`. */
  readonly observe: {
    readonly threads: (fact: ThreadFact) => void
    readonly budget: (fact: BudgetFact) => void
    readonly sightings: (fact: SightingsFact) => void
    readonly wires: (fact: WiresFact) => void
    readonly alerts: (fact: AlertsFact) => void
    readonly mesh: (fact: MeshFact) => void
    readonly agents: (fact: AgentFact) => void
    readonly http: (fact: HttpFact) => void
    readonly office: (fact: OfficeFact) => void
    readonly membership: (fact: MembershipFact) => void
    readonly sync: (fact: SyncFact) => void
  }
  /** Adds what is read off the rooms when somebody asks. Once, when they are open. */
  gauge(rooms: {
    readonly threads: Pick<Threads, 'list'>
    readonly budget: Pick<Budget, 'report'>
    readonly mesh: Pick<Mesh, 'peers'>
  }): void
}

const sightingsWords: Record<SightingsFact['type'], string> = {
  'own-slots-not-read': 'the DHT did not say what this node has signed: whether its ledger is an older one, peers tell',
  'slot-not-looked-at': 'what a slot proves was not written down',
  'own-slot-not-told': 'what this node has signed could not be told',
  'sightings-not-kept': 'what others were seen to sign was not written: it is forgotten at the next restart',
}

export function createTelemetry(options: LogOptions & { readonly now: () => number }): Telemetry {
  const log = createLog(options)
  const registry = new Registry()
  const instruments = { registry, log, warnRarely: createRareLines(log, options.now) }
  collectDefaultMetrics({ register: registry })
  return {
    log,
    registry,
    observe: {
      threads: observeThreads(instruments),
      budget: observeBudget(instruments),
      sightings: ({ type, error }) => log.warn({ err: error }, sightingsWords[type]),
      wires: observeWires(instruments),
      alerts: observeAlerts(instruments),
      mesh: observeMesh(instruments),
      agents: observeAgents(instruments),
      http: observeHttp(instruments),
      office: observeOffice(instruments),
      membership: observeMembership(instruments),
      sync: observeSync(instruments),
    },
    gauge({ threads, budget, mesh }) {
      gaugeThreads(registry, threads)
      gaugeBudget(registry, budget, options.now)
      gaugeMesh(registry, mesh)
    },
  }
}
