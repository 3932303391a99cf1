import { readReview } from '@bzzz/agents'
import type {
  AccountTotal,
  BudgetReport,
  CallState,
  CostBreakdown,
  PeriodReport,
  Waiting,
  WordTaken,
} from '@bzzz/budget'
import type { KnownCard, MeshEvent, PeerStatus } from '@bzzz/mesh'
import {
  type Account,
  type AgentCard,
  type AgentId,
  type Alert,
  agentIdOf,
  type CallId,
  type ChangeSet,
  callIdOf,
  type Entry,
  type EntryOf,
  entry as entryShape,
  type Incarnation,
  type NanoUsd,
  newThreadId,
  type PeerId,
  type Period,
  peerIdFromPublicKey,
  type SeqVector,
  successorId,
  type ThreadId,
  type TokensFrame,
  type TurnId,
  turnIdOf,
} from '@bzzz/protocols'
import type { Appended, Part, ThreadEvent, ThreadPreview, ThreadSummary, ThreadView, ViewedEntry } from '@bzzz/threads'
import type { Doing, Standing } from '../../src/budget/changes.ts'
import type { Left } from '../../src/budget/leave.ts'
import type { Brought, DoorPorts, PausedTurn, ReviewPlan, TurnNews } from '../../src/http/ports.ts'
import type { InviteOrder, InviteRecord } from '../../src/membership/invites.ts'

/** Nobody is let in. */
const noLaptops: DoorPorts['sync'] = {
  key: 'aa'.repeat(32),
  tokens: {
    create: () => Promise.resolve(undefined),
    list: () => [],
    has: () => false,
    revoke: () => Promise.resolve(false),
    find: () => undefined,
  },
  identify: () => ({ status: 'unknown' }),
  admit: () => ({ status: 'unknown' }),
  open: () => {
    throw new Error('nobody is let in')
  },
  revoke: () => Promise.resolve(false),
}

/** In-memory ports: walnut is the node under test, ironwood is online, acacia is gone. */
export const NOW = Date.UTC(2026, 10, 22, 12)
export const walnut = peerOfKey(1)
export const ironwood = peerOfKey(2)
export const acacia = peerOfKey(3)

function peerOfKey(byte: number): PeerId {
  return peerIdFromPublicKey(new Uint8Array(32).fill(byte))
}

export function usd(dollars: number): NanoUsd {
  return BigInt(Math.round(dollars * 1e9)) as NanoUsd
}

export function agentCardOf(role: string, peer: PeerId, more: Partial<AgentCard> = {}): AgentCard {
  return {
    id: agentIdOf(role, peer),
    role,
    specialization: `${role} matters`,
    capabilities: ['code_review'],
    model: 'offline-rules',
    provider: 'offline',
    simulated: true,
    maxTasks: 3,
    status: 'idle',
    activeTurns: 0,
    promptHash: '0'.repeat(64),
    ...more,
  }
}

/** Watchers of one port. */
class Watchers<T> {
  readonly listeners = new Set<(event: T) => void>()

  readonly subscribe = (listener: (event: T) => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  tell(event: T): void {
    for (const listener of this.listeners) listener(event)
  }
}

/** Keeps entries in the order of the calls, as one node alone would. */
class MemoryThreads {
  readonly threads = new Map<ThreadId, ViewedEntry[]>()
  /** Threads that are being taken from a snapshot. */
  readonly previews = new Map<ThreadId, ThreadPreview>()
  readonly watchers = new Watchers<ThreadEvent>()
  readonly subscribe = this.watchers.subscribe

  preview(thread: ThreadId): ThreadPreview | undefined {
    return this.previews.get(thread)
  }

  readonly previewed = new Watchers<ThreadPreview>()
  readonly onPreview = this.previewed.subscribe

  async create(open: EntryOf<'open'>): Promise<Appended> {
    const thread = newThreadId(NOW + this.threads.size, new Uint8Array(10))
    this.threads.set(thread, [])
    return this.append(thread, open)
  }

  async append(thread: ThreadId, entry: Entry): Promise<Appended> {
    const entries = this.threads.get(thread)
    if (entries === undefined) throw Object.assign(new Error(`no thread ${thread}`), { code: 'THREAD_UNKNOWN' })
    const peer = entry.author.slice(entry.author.lastIndexOf('@') + 1) as PeerId
    const seq = entries.length + 1
    const viewed = {
      entry: entryShape.parse(entry),
      peer,
      actor: 'aa',
      laptop: false,
      seq,
      index: 0,
      change: hashOf(seq),
      document: thread,
    }
    entries.push(viewed)
    const heads = [viewed.change]
    this.watchers.tell({
      thread,
      own: true,
      envelope: new Uint8Array(),
      entries: [viewed],
      lost: [],
      heads,
      document: thread,
    })
    return { thread, id: entry.id, repeated: false, heads }
  }

  /** From so many entries on a thread has another part. */
  partEntries = 1_000

  async view(thread: ThreadId, part?: number): Promise<ThreadView | undefined> {
    const all = this.threads.get(thread)
    const begin = (part ?? 0) * this.partEntries
    const entries = part === undefined ? all : all?.slice(begin, begin + this.partEntries)
    if (entries === undefined || all === undefined) return undefined
    const archived = entries.at(-1)?.entry.type === 'archive'
    return { thread, heads: [hashOf(all.length)], archived, entries, precedes: (a, b) => a.seq < b.seq }
  }

  list(): ThreadSummary[] {
    return [...this.threads].map(([thread, entries]) => {
      const open = entries.map(({ entry }) => entry).find((entry) => entry.type === 'open') as EntryOf<'open'>
      const verdict = entries.map(({ entry }) => entry).find((entry) => entry.type === 'verdict')
      const { topic, project, ts: createdMs } = open
      const state = (verdict as EntryOf<'verdict'> | undefined)?.outcome ?? 'active'
      const lastMs = Math.max(...entries.map(({ entry }) => entry.ts))
      const archived = entries.at(-1)?.entry.type === 'archive'
      const size = {
        bytes: 100 * entries.length,
        storedBytes: (this.compressed.has(thread) ? 20 : 100) * entries.length,
      }
      return { thread, topic, project, createdMs, lastMs, entries: entries.length, state, archived, ...size }
    })
  }

  summary(thread: ThreadId): ThreadSummary | undefined {
    return this.list().find((summary) => summary.thread === thread)
  }

  parts(thread: ThreadId): Part[] {
    const { length } = this.threads.get(thread) ?? []
    return Array.from({ length: Math.ceil(length / this.partEntries) }, (_, part) => ({
      document: part === 0 ? thread : successorId(thread, part),
      entries: Math.min(this.partEntries, length - part * this.partEntries),
    }))
  }

  rootOf(document: ThreadId): ThreadId {
    return document
  }

  readonly compressed = new Set<ThreadId>()

  async compress(thread: ThreadId): Promise<void> {
    this.compressed.add(thread)
  }
}

function hashOf(seq: number): string {
  return seq.toString(16).padStart(64, '0')
}

class MemoryMesh {
  readonly watchers = new Watchers<MeshEvent>()
  readonly subscribe = this.watchers.subscribe
  statuses: PeerStatus[] = [
    status(ironwood, 'ironwood', { state: 'online', latencyMs: 1.5, lastSeenMs: NOW - 500 }),
    status(acacia, 'acacia', { state: 'offline', reason: 'connection refused' }),
  ]
  held: KnownCard[] = [
    card(walnut, 'walnut', [agentCardOf('architect', walnut)], true),
    card(ironwood, 'ironwood', [agentCardOf('reviewer', ironwood), agentCardOf('architect', ironwood)], true),
    card(acacia, 'acacia', [agentCardOf('security', acacia)], false),
  ]

  /** What others are known to have. */
  readonly heldBy = new Map<ThreadId, Map<PeerId, SeqVector>>()

  holders(thread: ThreadId): ReadonlyMap<PeerId, SeqVector> {
    return this.heldBy.get(thread) ?? new Map()
  }

  readonly tokens = new Watchers<TokensFrame>()
  followTokens(thread: ThreadId, tell: (frame: TokensFrame) => void): () => void {
    return this.tokens.subscribe((frame) => {
      if (frame.thread === thread) tell(frame)
    })
  }

  addrs(): string[] {
    return [`/ip4/127.0.0.1/tcp/4001/p2p/${walnut}`]
  }

  peers(): PeerStatus[] {
    return this.statuses
  }

  cards(): KnownCard[] {
    return this.held
  }
}

export function status(peer: PeerId, label: string, more: Partial<PeerStatus>): PeerStatus {
  return {
    peer,
    label,
    role: 'node',
    state: 'offline',
    addrs: [],
    latencyMs: null,
    lastSeenMs: null,
    reason: null,
    ...more,
  }
}

export function card(peer: PeerId, label: string, agents: AgentCard[], live: boolean): KnownCard {
  const versions = { v: 1, version: '0.1.0', manifestVersion: 1 } as const
  const times = { startedMs: NOW - 60_000, wallMs: NOW - 1000, seq: NOW }
  const body = {
    ...versions,
    ...times,
    peer,
    label,
    incarnation: accountOf(peer).incarnation,
    boot: { counter: 1, nonce: accountOf(peer).incarnation },
    spare: [],
    addrs: [],
    threads: 0,
    agents,
  }
  return { card: body, live, receivedMs: NOW - 1000 }
}

/** Nobody has more than what is here, unless a test says so. */
class MemoryFollowing {
  readonly threads: MemoryThreads
  readonly unfollowed = new Set<ThreadId>()
  elsewhere: Brought = { status: 'nowhere', asked: 1 }

  constructor(threads: MemoryThreads) {
    this.threads = threads
  }

  follows(thread: ThreadId): boolean {
    return this.threads.threads.has(thread) && !this.unfollowed.has(thread)
  }

  async bring(thread: ThreadId): Promise<Brought> {
    return this.threads.threads.has(thread) ? { status: 'here' } : this.elsewhere
  }
}

class MemoryBudget {
  readonly watchers = new Watchers<Period>()
  readonly subscribe = this.watchers.subscribe
  readonly account = accountOf(walnut)
  rights: 'allotted' | 'none' = 'allotted'
  condition: 'open' | 'frozen' | 'closed' = 'open'
  standstill: string | undefined
  frozenModels: BudgetReport['frozenModels'] = []
  running: PeriodReport[] = [
    lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25),
    lineOf('month', 'm:2026-11', 333, 40, 0.25),
    lineOf('agent-day', 'a:architect:2026-11-22', 1, 1, 0),
  ]

  report(): BudgetReport {
    const { rights, condition, running: periods, frozenModels, standstill } = this
    return { rights, condition, periods, frozenModels, ...(standstill !== undefined && { standstill }) }
  }

  /** Uncertain ones, and those that became something else by an operator's word. */
  readonly calls = new Map<CallId, CallState>()

  /** Calls that wait for rights. */
  readonly waits: WaitingCall[] = []

  waiting(): Waiting {
    return { calls: this.waits, needs: [] }
  }

  async call(id: CallId): Promise<CallState | undefined> {
    return this.calls.get(id)
  }

  async callsNamed(prefix: string, limit: number): Promise<readonly CallId[]> {
    return [...this.calls.keys()].filter((id) => id.startsWith(prefix)).slice(0, limit)
  }

  async callsOf(turn: TurnId): Promise<readonly CallState[]> {
    return [...this.calls.values()].filter((call) => call.turn === turn)
  }

  async uncertainCalls(limit: number): Promise<readonly CallState[]> {
    return [...this.calls.values()].filter(({ state }) => state === 'uncertain').slice(0, limit)
  }

  async settleByWord(id: CallId, actual: NanoUsd): Promise<WordTaken> {
    const call = this.calls.get(id)
    if (call === undefined) return { status: 'refused', code: 'unknown', reason: 'no such call here', call }
    if (call.state === 'settled' && call.actual === actual) return { status: 'repeated', call }
    if (call.state === 'settled') return { status: 'refused', code: 'settled', reason: 'that is final', call }
    this.calls.set(id, { ...call, state: 'settled', actual, evidence: 'operator' })
    return { status: 'settled', call }
  }

  async breakdown(): Promise<CostBreakdown> {
    const money = { spent: usd(2.5), unproven: usd(0.5), held: usd(0.25) }
    const spending = { ...money, calls: 3, inputTokens: 900, outputTokens: 80, simulated: true }
    return {
      day: 'd:2026-11-22' as Period,
      byAgent: [{ name: 'architect', ...spending }],
      byModel: [{ name: 'offline-rules', ...spending }],
      byThread: [],
    }
  }
}

/** A call whose outcome is lost, held at so many dollars; a name stands for one call. */
export function lostCall(name: string, held: number): CallState {
  const turn = turnIdOf({ thread: LOST_THREAD, phase: name, round: 1, agent: agentIdOf('architect', walnut) })
  const price = { input: usd(1), cachedInput: usd(1), cacheWrite: usd(1), output: usd(1) }
  const about = { turn, step: 0, attempt: 0, thread: LOST_THREAD, agent: 'architect', model: 'house-large' }
  const unknown = { actual: null, usage: null, evidence: null, reply: null }
  return {
    ...{ id: callIdOf(turn, 0, 0), ...about, state: 'uncertain', max: usd(held), ...unknown },
    ...{ providerRequestId: `req-${name}`, reservedMs: NOW - 60_000, simulated: false },
    priceRef: { model: about.model, ...price, tiers: [], table: new Uint8Array(32), simulated: false },
    periods: ['d:2026-11-22' as Period, 'm:2026-11' as Period],
  }
}

const LOST_THREAD = newThreadId(NOW, new Uint8Array(10))

export function lineOf(
  kind: PeriodReport['kind'],
  period: string,
  initial: number,
  spent: number,
  held: number,
): PeriodReport {
  const available = (usd(initial) - usd(spent) - usd(held)) as NanoUsd
  const moved = { minted: usd(0), received: usd(0), granted: usd(0), rights: usd(initial) }
  const charged = { spent: usd(spent), overrun: usd(0), held: usd(held), available }
  const amounts = { limit: null, initial: usd(initial), ...moved, localCap: null, ...charged }
  return { kind, period: period as Period, ...amounts }
}

const unmoved = { minted: usd(0), received: usd(0), credited: usd(0), granted: usd(0) }

/** What was found of each node's figures: nothing of acacia's. */
type Slots = Map<PeerId, { readonly charged: number; readonly lost?: number; readonly wallMs: number }>

function counterOf(slots: Slots): DoorPorts['counter'] {
  return {
    async total() {
      const byAccount = [walnut, ironwood, acacia].map((peer) => totalOf(peer, slots))
      const missing = byAccount.filter(({ wallMs }) => wallMs === null).map(({ account }) => account)
      const low = sum(byAccount.map(({ charged }) => charged))
      const all = sum(byAccount.map(({ initial }) => initial))
      const high = (all - sum(byAccount.map(({ unspent }) => unspent))) as NanoUsd
      const lost = sum(byAccount.map((account) => account.lost))
      const left = sum(byAccount.map((account) => account.left))
      return { limit: usd(100), low, high, lost, left, found: slots.size, oldestMs: NOW - 2000, byAccount, missing }
    },
  }
}

function totalOf(peer: PeerId, slots: Slots): AccountTotal {
  const told = slots.get(peer)
  const initial = usd(peer === acacia ? 33.333333333 : 33)
  const charged = usd(told?.charged ?? 0)
  const unspent = (told === undefined ? 0n : initial - charged) as NanoUsd
  const state = told === undefined ? null : 'open'
  const rest = { lost: usd(told?.lost ?? 0), left: (initial - charged) as NanoUsd }
  return {
    account: accountOf(peer),
    initial,
    ...unmoved,
    charged,
    unspent,
    ...rest,
    state,
    wallMs: told?.wallMs ?? null,
  }
}

function sum(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((total, amount) => total + amount, 0n) as NanoUsd
}

function accountOf(peer: PeerId): Account {
  return { peer, incarnation: '0'.repeat(32) as Incarnation }
}

export const BLOB = 'b'.repeat(64)

/** Seats whoever has the role: own node first. */
class MemoryReviews {
  readonly threads: MemoryThreads
  readonly mesh: MemoryMesh
  opened = 0
  day = usd(10)
  least = { anyCall: usd(0), eachSeat: usd(0) }

  constructor(threads: MemoryThreads, mesh: MemoryMesh) {
    this.threads = threads
    this.mesh = mesh
  }

  async plan(order: Parameters<DoorPorts['reviews']['plan']>[0]): Promise<ReviewPlan> {
    const agents = this.mesh.held.flatMap(({ live, card }) => (live ? card.agents : []))
    const seats = order.required.map((role) => ({ role, agent: agents.find((agent) => agent.role === role)?.id }))
    const roles = seats.flatMap(({ role, agent }) => (agent === undefined ? [role] : []))
    if (roles.length > 0) return { status: 'missing', roles }
    const { repository, base, head, title, files } = order.change
    const change = { blob: BLOB, bytes: 1234, repository, base, head, title, files: files.length }
    const filled = seats as { role: string; agent: AgentId }[]
    const { rounds, seatTimeoutMs } = order
    const { least } = this
    if (order.budget !== null && order.budget < least.anyCall) return { status: 'cap-too-small', least }
    const terms = { change, seats: filled, rounds, seatTimeoutMs }
    return { status: 'ready', terms, highest: usd(1.5), day: this.day, least }
  }

  async open(order: Parameters<DoorPorts['reviews']['open']>[0]): ReturnType<DoorPorts['reviews']['open']> {
    const plan = await this.plan(order)
    if (plan.status !== 'ready') return plan
    this.opened += 1
    const { terms } = plan
    const appended = await this.threads.create({ ...openEntry('a review'), review: terms })
    return { status: 'opened', terms, appended }
  }

  readonly standing = (view: ThreadView) => readReview(view)
  /** Changes that this node holds. */
  readonly changes = new Map<string, ChangeSet>()
  changesRead = 0

  async change(hash: string): Promise<ChangeSet | undefined> {
    this.changesRead += 1
    return this.changes.get(hash)
  }
}

class MemoryManifest {
  readonly asked: unknown[] = []
  refusal: Error | undefined
  given = 2_000_000_000n
  standing: Standing = {
    ...{ version: 3, contested: false, ownerKeyHere: true },
    nodes: [
      { label: 'walnut', peer: walnut, confirmed: 3, online: true },
      { label: 'ironwood', peer: ironwood, confirmed: 2, online: false },
    ],
    limits: [
      {
        ...{ period: 'd:2026-11-22', dim: 'day', running: true, limit: 40_000_000_000n, given: 53_000_000_000n },
        ...{ mayExceedBy: 13_000_000_000n, waitingFor: ['ironwood'], spent: 10_000_000_000n, left: 23_000_000_000n },
      },
    ],
    raisesFrom: null,
  }

  readonly view = async () => this.standing
  readonly limit = (order: unknown, how?: Doing) => this.done({ limit: order }, how)
  readonly adopt = (node: string, reissue: bigint | null, how?: Doing) => this.done({ adopt: node, reissue }, how)
  readonly remove = (node: string, destroyed: boolean, how?: Doing) => this.done({ remove: node, destroyed }, how)
  readonly restore = (gone: readonly string[]) => this.done({ restore: gone })
  readonly heal = () => this.done('heal')
  readonly leave = async (): Promise<Left> => {
    await this.done('leave')
    return { status: 'removed', given: [{ label: 'ironwood', period: 'd:2026-11-22', amount: this.given }] }
  }

  private async done(asked: unknown, { dryRun }: Doing = { dryRun: false }) {
    if (this.refusal !== undefined) throw this.refusal
    if (!dryRun) this.asked.push(asked)
    return { status: 'signed', version: 3 } as const
  }
}

class MemoryInvites {
  readonly records: InviteRecord[] = []
  refusal: Error | undefined

  async create({ role, label, lifeMs }: InviteOrder) {
    if (this.refusal !== undefined) throw this.refusal
    const times = { createdMs: NOW, expiresMs: NOW + lifeMs, revokedMs: null }
    const record: InviteRecord = {
      id: peerOfKey(40 + this.records.length),
      role,
      label,
      ...times,
      used: null,
    }
    this.records.unshift(record)
    return { record, token: `bzzz-invite-1.${this.records.length}` }
  }

  list(): InviteRecord[] {
    return this.records
  }

  stateOf({ revokedMs }: InviteRecord) {
    return revokedMs === null ? ('open' as const) : ('revoked' as const)
  }

  async revoke(id: string): Promise<InviteRecord | undefined> {
    const found = this.records.find((record) => record.id === id)
    if (found === undefined) return undefined
    const revoked = { ...found, revokedMs: NOW }
    this.records.splice(this.records.indexOf(found), 1, revoked)
    return revoked
  }
}

type WaitingCall = Waiting['calls'][number]

/** A call of so many dollars that is too much for the day by so many. */
export function waitingCall(name: string, needed: number, lack: number): WaitingCall {
  const { id: call, turn, thread, agent, model } = lostCall(name, needed)
  const day = 'd:2026-11-22' as Period
  const lacks = [{ period: day, amount: usd(lack) }]
  const figures = {
    needed: usd(needed),
    limit: usd(33),
    spent: usd(2.5),
    held: usd(0.25),
    available: usd(needed - lack),
  }
  return {
    ...{ call, turn, thread, agent, model, sinceMs: NOW - 5_000, hopeful: false },
    claim: { max: usd(needed), periods: [day] },
    refusal: { status: 'refused', by: 'day', period: day, reason: 'the day is spent', ...figures, lacks },
  }
}

export function openEntry(topic: string, ts = NOW): EntryOf<'open'> {
  const author = `human:ana@${walnut}`
  return { type: 'open', id: `open-${topic.replaceAll(' ', '-')}`, author, ts, content: '', topic, project: 'shop' }
}

type Asked = ReturnType<DoorPorts['rights']['whoWasAsked']>[number]

export function meshOfThree() {
  const threads = new MemoryThreads()
  const mesh = new MemoryMesh()
  const budget = new MemoryBudget()
  const reviews = new MemoryReviews(threads, mesh)
  const turns = Object.assign(new Watchers<TurnNews>(), { rest: [] as PausedTurn[], paused: () => turns.rest })
  const asked: Asked[] = []
  const slots: Slots = new Map([
    [walnut, { charged: 2.75, wallMs: NOW }],
    [ironwood, { charged: 10, wallMs: NOW - 2000 }],
  ])
  const following = new MemoryFollowing(threads)
  const condition: ReturnType<DoorPorts['node']['condition']> = { store: 'open', transport: 'up' }
  const invites = new MemoryInvites()
  const manifest = new MemoryManifest()
  const alerts = Object.assign(new Watchers<Alert>(), { told: [] as Alert[], list: () => alerts.told })
  const world = {
    alerts,
    asked,
    slots,
    condition,
    role: 'primary',
    accounts: { member: true, due: [] as string[], givenUp: new Set<string>(), gone: new Map<string, string>() },
    restored: null as DoorPorts['node']['restored'],
    invites,
    manifest,
    threads,
    mesh,
    following,
    budget,
    reviews,
    turns,
  }
  const ports: DoorPorts = {
    sync: noLaptops,
    manifest,
    accounts: {
      isMember: () => world.accounts.member,
      adoptionsDue: () => world.accounts.due,
      isGivenUp: ({ incarnation }) => world.accounts.givenUp.has(incarnation),
      labelBefore: (peer) => world.accounts.gone.get(peer),
    },
    node: {
      peer: walnut,
      label: 'walnut',
      network: 'lab',
      get role() {
        return world.role
      },
      version: '0.1.0',
      startedMs: NOW - 90_500,
      thresholds: { warning: 800, critical: 950 },
      get restored() {
        return world.restored
      },
      manifestVersion: () => 1,
      condition: () => world.condition,
      model: () => ({
        provider: 'offline',
        model: 'offline-rules',
        simulated: true,
        configured: true,
        lastOkMs: NOW - 1000,
        lastError: null,
      }),
    },
    threads,
    mesh,
    budget,
    counter: counterOf(slots),
    rights: { whoWasAsked: () => asked },
    alerts,
    following,
    reviews,
    turns,
    invites,
    metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'bzzz_threads 0\n' },
  }
  return { ...world, world, ports }
}
