import { z } from 'zod'
import { callId } from '../ids/ids.ts'
import { askedUsd, usd } from './money.ts'
import { budgetState } from './node.ts'

/** The budget of the mesh as this node knows it, and what an operator may say about calls that went through it. */
const time = z.iso.datetime()

/** A call of this node that may have been billed, and nobody knows: its whole hold counts as spent. */
const uncertainCall = z.strictObject({
  /** Sent to the provider as `Idempotency-Key` and `X-Client-Request-Id`. */
  call: z.string(),
  turn: z.string(),
  thread: z.string().nullable(),
  agent: z.string(),
  model: z.string(),
  held_usd: usd,
  /** The request left right after. */
  reserved_at: time,
  /** What the provider called the request; null when it never said. */
  provider_request_id: z.string().nullable(),
  simulated: z.boolean(),
})
export type UncertainCallView = z.infer<typeof uncertainCall>

export const uncertainAnswer = z.strictObject({
  node_id: z.string(),
  /** Oldest first. */
  calls: z.array(uncertainCall),
  /** Of these. */
  held_usd: usd,
  /** There are further ones, which are told once some of these are settled. */
  more: z.boolean(),
})
export type UncertainAnswer = z.infer<typeof uncertainAnswer>

export const MAX_SETTLEMENTS = 1_000

/** Of dollars, exactly: a string keeps what a JSON number may round beyond 15 digits. */
export const statedCost = z.union([
  askedUsd,
  z
    .string()
    .regex(/^\d{1,7}(\.\d{1,9})?$/, 'dollars like "0.0123"')
    .refine((text) => Number(text) <= 1_000_000, { message: 'at most a million dollars' }),
])

export const newSettlements = z.strictObject({
  settlements: z
    .array(z.strictObject({ call: callId, cost_usd: statedCost }))
    .min(1)
    .max(MAX_SETTLEMENTS),
})

const settlement = z.strictObject({
  call: z.string(),
  /** `repeated`: it was settled at this very amount by such a word before. `refused`: nothing has changed. */
  status: z.enum(['settled', 'repeated', 'refused']),
  /** Null unless it was refused. */
  code: z.enum(['unknown', 'in-flight', 'settled', 'released']).nullable(),
  reason: z.string().nullable(),
  cost_usd: usd,
  /** What counted for the call before; null for one that this node does not know. */
  before_usd: usd.nullable(),
})
export type SettlementView = z.infer<typeof settlement>

export const settlementsAnswer = z.strictObject({
  /** In the order of the request. */
  results: z.array(settlement),
  settled: z.number().int(),
  repeated: z.number().int(),
  refused: z.number().int(),
  /** Held for those that were settled now. */
  held_usd: usd,
  /** Booked for them in its place. */
  cost_usd: usd,
})
export type SettlementsAnswer = z.infer<typeof settlementsAnswer>

/** What this node may charge in one period, and what became of it. */
const ownPart = z.strictObject({
  /** All that it may charge: what it opened the period with, and what came and went since. */
  rights_usd: usd,
  initial_usd: usd,
  /** Given by the manifest besides. */
  minted_usd: usd,
  received_usd: usd,
  granted_usd: usd,
  /** A lower value of its own configuration. */
  local_cap_usd: usd.nullable(),
  spent_usd: usd,
  held_usd: usd,
  /** The part of what it spent that was billed above holds. */
  overrun_usd: usd,
  available_usd: usd,
})

const nodePart = z.strictObject({
  node_id: z.string(),
  peer_id: z.string(),
  /** Reached from here now. */
  online: z.boolean(),
  /** As far as is known here: what the manifest and grants gave it. */
  rights_usd: usd,
  /** Settled and held, by its own signed figures; null without them. */
  charged_usd: usd.nullable(),
  /** What it may still charge or give; without figures, at most this. */
  unspent_usd: usd,
  as_of: time.nullable(),
})

const periodView = z.strictObject({
  /** `d:2026-11-22`, `m:2026-11`, `t:<thread>` or `a:<agent>:2026-11-22`. */
  period: z.string(),
  kind: z.enum(['day', 'month', 'thread', 'agent-day']),
  /** When the next one begins; null for a thread. */
  resets_at: time.nullable(),
  /** Of the whole mesh, or the thread's cap; null where it is not known here. */
  limit_usd: usd.nullable(),
  /** By all nodes of which figures are at hand; null for what is no matter of the whole mesh. */
  spent_usd: usd.nullable(),
  /** As if nodes without figures had spent all that they may, and those that are away all that they had left. */
  spent_at_most_usd: usd.nullable(),
  /** What nobody can spend any more: the rest of nodes that left, and of ledgers that were given up or are in use twice. */
  lost_usd: usd.nullable(),
  own: ownPart,
  nodes: z.array(nodePart),
})
export type PeriodView = z.infer<typeof periodView>

/** A call that waits for rights, and goes on by itself when they come. */
const waitingCall = z.strictObject({
  call: z.string(),
  turn: z.string(),
  thread: z.string().nullable(),
  agent: z.string(),
  model: z.string(),
  since: time,
  /** The first thing that it is too much for. */
  by: z.string(),
  reason: z.string(),
  needed_usd: usd,
  lacks: z.array(z.strictObject({ period: z.string(), amount_usd: usd })),
  /** Whether other nodes are known to have so much. */
  hopeful: z.boolean(),
})
export type WaitingCallView = z.infer<typeof waitingCall>

const pausedTurn = z.strictObject({
  turn: z.string(),
  thread: z.string(),
  agent: z.string(),
  phase: z.string(),
  round: z.number().int(),
  since: time,
  reason: z.string(),
})
export type PausedTurnView = z.infer<typeof pausedTurn>

/** People were told that so much of a limit is spent: once in the mesh for each level, period and limit. */
export const alertView = z.strictObject({
  level: z.enum(['warning', 'critical']),
  /** `d:2026-11-22` or `m:2026-11`. */
  period: z.string(),
  limit_usd: usd,
  /** At least so much was spent or held then, or lost with ledgers that were given up. */
  spent_usd: usd,
  /** The node that told people. */
  told_by: z.string(),
  at: time,
})
export type AlertView = z.infer<typeof alertView>

/** `GET /api/budget/alerts`: newest first, of the last two months. */
export const alertsAnswer = z.strictObject({ alerts: z.array(alertView), total: z.number().int() })

/** `GET /api/budget`: how the money of the mesh stands, and what waits for it here. */
export const budgetAnswer = z.strictObject({
  node_id: z.string(),
  state: budgetState,
  /** Why no call is made at this node, whatever is left, and what to do about it; null while calls may be made. */
  standstill: z.string().nullable(),
  /** Nodes that work with a ledger of which the manifest does not know: `bzzz budget adopt` is due, where the owner's key is. */
  adopt_due: z.array(z.string()),
  /** Of the calls of this day at this node: some or all may be at prices that are not real money; both count against the limits. */
  play_money: z.enum(['none', 'some', 'all']),
  /** The running day and month first, then the days of agents and the caps of threads. */
  periods: z.array(periodView),
  waiting: z.array(waitingCall),
  paused: z.array(pausedTurn),
  /** `calls` is at most 2000. */
  uncertain: z.strictObject({ calls: z.number().int(), held_usd: usd, more: z.boolean() }),
  /** The part of what this node spent today that is whole bounds, since a provider did not plainly say what was used. */
  unproven_usd: usd,
  /** Models that were billed above a bound: this node does not call them until their price is another. */
  frozen_models: z.array(z.strictObject({ model: z.string(), billed_usd: usd, bound_usd: usd, words: z.string() })),
  /** Of the running day and month, newest first. */
  alerts: z.array(alertView),
})
export type BudgetAnswer = z.infer<typeof budgetAnswer>

/** Without `about`: everything that waits at this node. */
export const whyQuery = z.strictObject({
  /** A thread, a turn or a call; or the beginning of one, of at least 6 digits; of a turn, while it rests. */
  about: z
    .string()
    .regex(/^[0-9a-fA-F-]{6,64}$/, 'the id of a thread, a turn or a call, or at least 6 digits of it')
    .optional(),
})

const callView = z.strictObject({
  call: z.string(),
  turn: z.string(),
  agent: z.string(),
  model: z.string(),
  state: z.enum(['reserved', 'sent', 'settled', 'uncertain', 'released']),
  /** Its bound, held until it is settled. */
  held_usd: usd,
  /** Null until it is settled. */
  cost_usd: usd.nullable(),
  /** How the cost is known. */
  evidence: z.enum(['usage', 'none', 'unclear', 'operator']).nullable(),
  provider_request_id: z.string().nullable(),
  reserved_at: time,
  periods: z.array(z.string()),
  simulated: z.boolean(),
})
export type CallView = z.infer<typeof callView>

/** `GET /api/budget/why`: what stands in the way of a call, and what would clear it. */
export const whyAnswer = z.strictObject({
  about: z.strictObject({ kind: z.enum(['thread', 'turn', 'call', 'node']), id: z.string() }),
  node_id: z.string(),
  /** In one sentence. */
  summary: z.string(),
  /** Oldest first. */
  waiting: z.array(waitingCall),
  paused: z.array(pausedTurn),
  /** Of the turn or the call that was asked about. */
  calls: z.array(callView),
  periods: z.array(periodView),
  /** Nodes that were asked for rights in these periods, newest first. */
  asked: z.array(
    z.strictObject({
      node_id: z.string(),
      peer_id: z.string(),
      at: time,
      periods: z.array(z.string()),
      /** `granted`, `silent`, or the code of its refusal. */
      answer: z.string(),
      reason: z.string().nullable(),
    }),
  ),
  /** What would let it go on; the quickest first. */
  remedies: z.array(z.strictObject({ words: z.string(), command: z.string().nullable() })),
})
export type WhyAnswer = z.infer<typeof whyAnswer>
