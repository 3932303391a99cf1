import { type AgentCard, type AgentId, agentIdOf, type ChangeSet, type ThreadId } from '@bzzz/protocols'
import { type DueTurn, dueTurns, overtakenTurns } from '../review/due.ts'
import { type Duty, deadlineOf, dueDuties, dutyEntry } from '../review/duties.ts'
import { type Review, readReview } from '../review/review.ts'
import type { Agents, AgentsOptions, RecoveredTurn } from './agents.ts'
import { type Alarm, createAlarm } from './alarm.ts'
import { attendTurn } from './attend.ts'
import { cardOf } from './card.ts'
import { createChangeReader } from './changes.ts'
import { createTurnsInHand, type Place, type TurnsInHand } from './in-hand.ts'
import { createLines, type Lines } from './lines.ts'
import type { AgentDefinition, AgentFact, TurnTools } from './ports.ts'
import { createRests, type Rests } from './rests.ts'
import { createVisits, type Visits } from './visits.ts'

/** How long a paused or postponed turn, or a duty of a node that may be gone, rests before it is looked at again. */
const RETRY_MS = 5_000
/** In reviews older than this run nobody is given up before peers, and replies already paid for, had time to be heard. */
const START_GRACE_MS = 10_000
const NOBODY: ReadonlySet<AgentId> = new Set()

/**
 * Runs this node's agents in every review. Resolves once each review that is not over was looked at: what an earlier run
 * left unfinished is in hand again, or waits in line for its agent.
 */
export async function openAgents(options: AgentsOptions): Promise<Agents> {
  const runner = new Runner(options)
  await runner.resume()
  return runner
}

/**
 * Looks at a thread whenever something in it changed, its clock ran out, or a turn's rest is over; reads the review from its
 * entries alone; and begins what is due. Whatever a look misses, the next one finds: nothing is remembered beside the
 * entries and the ledger but how long to rest, and which threads are finished.
 */
class Runner implements Agents {
  readonly recovered: RecoveredTurn[] = []
  readonly #options: AgentsOptions
  readonly #seats: ReadonlyMap<AgentId, TurnTools>
  readonly #stopping = new AbortController()
  readonly #abort = new AbortController()
  readonly #inHand: TurnsInHand
  readonly #rests: Rests
  readonly #visits: Visits
  readonly #alarm: Alarm
  readonly #readChange: (hash: string) => Promise<ChangeSet | undefined>
  readonly #lines: Lines = createLines()
  readonly #listeners = new Set<() => void>()
  readonly #unsubscribe: (() => void)[]
  readonly #olderReviews = new Set<ThreadId>()
  readonly #graceEndsMs: number
  /** Listed as running at start, and not looked at yet. */
  readonly #unseen = new Set<ThreadId>()
  readonly #allSeen = Promise.withResolvers<void>()
  #closing: Promise<void> | undefined

  constructor(options: AgentsOptions) {
    const { now, sleep, threads, budget, limits, peer } = options
    this.#options = options
    this.#graceEndsMs = now() + START_GRACE_MS
    this.#seats = new Map(options.agents.map((agent) => [agentIdOf(agent.name, peer), this.#toolsFor(agent)]))
    this.#inHand = createTurnsInHand(limits.concurrency)
    this.#rests = createRests(now, RETRY_MS)
    this.#visits = createVisits(
      (thread) => this.#visit(thread),
      (thread, error) => this.#failed(thread, error),
    )
    this.#alarm = createAlarm({ now, sleep, ring: this.#visits.request })
    this.#readChange = createChangeReader(options.fetchBlob, this.#stopping.signal)
    this.#unsubscribe = [
      threads.subscribe(({ thread }) => this.#visits.request(thread)),
      budget.subscribe(() => this.#rests.wakePaused().forEach(this.#visits.request)),
    ]
  }

  async resume(): Promise<void> {
    const finished = await this.#options.finished.unchanged()
    const listed = this.#options.threads.list().filter(({ thread, archived }) => !archived && !finished.has(thread))
    for (const { thread } of listed) this.#olderReviews.add(thread)
    for (const { thread, state } of listed) if (state === 'active') this.#unseen.add(thread)
    if (this.#unseen.size === 0) this.#allSeen.resolve()
    this.#unseen.forEach(this.#visits.request)
    // A list tells what anybody wrote; whether a verdict stands only the review itself can say.
    for (const { thread, state } of listed) if (state !== 'active') this.#visits.requestLast(thread)
    await this.#allSeen.promise
  }

  #seen(thread: ThreadId): void {
    this.#unseen.delete(thread)
    if (this.#unseen.size === 0) this.#allSeen.resolve()
  }

  cards(): AgentCard[] {
    return [...this.#seats].map(([id, { agent, provider }]) => {
      const activeTurns = this.#inHand.count(id)
      const status = this.#rests.statusOf(id, activeTurns, this.#inHand.away(id) > 0)
      return cardOf(agent, id, provider, { status, activeTurns, maxTasks: this.#options.limits.concurrency })
    })
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) this.#abort.abort()
    signal?.addEventListener('abort', () => this.#abort.abort(), { once: true })
    this.#closing ??= this.#shut()
    return this.#closing
  }

  async #shut(): Promise<void> {
    this.#stopping.abort()
    for (const stop of this.#unsubscribe) stop()
    this.#visits.close()
    await this.#alarm.close()
    await this.#visits.idle()
    await this.#inHand.idle()
  }

  async #visit(thread: ThreadId): Promise<void> {
    const mark = await this.#options.finished.markOf(thread)
    const review = await this.#read(thread)
    if (review !== undefined && (await this.#doDuties(review))) return this.#visits.request(thread)
    this.#leaveLines(thread, review === undefined ? NOBODY : await this.#beginTurns(review))
    if (review === undefined || review.verdict !== undefined) await this.#options.finished.note(thread, mark)
    if (review !== undefined) this.#alarm.set(thread, this.#nextLookMs(review))
    this.#seen(thread)
  }

  #failed(thread: ThreadId, error: unknown): void {
    this.#leaveLines(thread, NOBODY)
    this.#seen(thread)
    this.#observe({ type: 'thread-failed', thread, error })
    this.#alarm.set(thread, this.#options.now() + RETRY_MS)
  }

  async #read(thread: ThreadId): Promise<Review | undefined> {
    const view = await this.#options.threads.view(thread)
    return view === undefined || view.archived ? undefined : readReview(view, this.#options.isLaptop)
  }

  /** Turns that timed out after at least a part of them was paid for: worth their entry while it can still count. */
  async #paidTurns(review: Review): Promise<DueTurn[]> {
    const { budget, peer } = this.#options
    if (review.verdict !== undefined) return []
    const paid: DueTurn[] = []
    for (const due of overtakenTurns(review, peer)) {
      if ((await budget.callsOf(due.turn)).some(({ reply }) => reply)) paid.push(due)
    }
    return paid
  }

  /** @returns whether anything was written that was not there before */
  async #doDuties(review: Review): Promise<boolean> {
    const { peer, livePeers, now, threads } = this.#options
    const context = { self: peer, live: livePeers(), now: now() }
    let news = false
    for (const duty of dueDuties(review, context)) {
      if (givesUp(duty) && this.#isInGrace(review.thread)) continue
      const { repeated } = await threads.append(review.thread, dutyEntry(review, duty, context))
      if (!repeated) this.#observe({ type: 'duty-done', thread: review.thread, duty: duty.kind })
      news ||= !repeated
    }
    return news
  }

  #isInGrace(thread: ThreadId): boolean {
    return this.#olderReviews.has(thread) && this.#options.now() < this.#graceEndsMs
  }

  #nextLookMs(review: Review): number | undefined {
    const restMs = this.#rests.nextMs(review.thread)
    if (review.verdict !== undefined) return restMs
    const soonMs = this.#options.now() + RETRY_MS
    const dutyMs = Math.max(deadlineOf(review, this.#options.now()) ?? soonMs, soonMs)
    const graceMs = this.#isInGrace(review.thread) ? this.#graceEndsMs : dutyMs
    return Math.min(dutyMs, graceMs, restMs ?? dutyMs)
  }

  /** @returns agents that have enough to do, and in whose lines the thread waits */
  async #beginTurns(review: Review): Promise<Set<AgentId>> {
    const turns = [...dueTurns(review, this.#options.peer), ...(await this.#paidTurns(review))]
    this.#rests.keep(review.thread, turns)
    const crowded = new Set<AgentId>()
    for (const due of turns) if (!(await this.#begin(review, due))) crowded.add(due.agent)
    return crowded
  }

  /** @returns false when the agent has enough to do, or others come first */
  async #begin(review: Review, due: DueTurn): Promise<boolean> {
    const { thread } = review
    const { turn, agent } = due
    const tools = this.#seats.get(agent)
    if (tools === undefined || this.#stopping.signal.aborted) return true
    if (this.#inHand.has(turn) || this.#rests.isResting(turn)) return true
    if (this.#unseen.has(thread) && (await tools.budget.callsOf(turn)).length > 0) {
      this.recovered.push({ thread, turn, agent })
    }
    this.#rests.end(turn)
    const take = (place: Place) => this.#take(review, due, tools, place)
    const left = () => this.#left(thread, agent)
    const begun =
      this.#lines.isServed(agent, thread, this.#freePlaces(agent)) && this.#inHand.begin({ turn, agent, take, left })
    if (begun) this.#changed()
    else this.#lines.join(agent, thread)
    return begun
  }

  #freePlaces(agent: AgentId): number {
    return this.#options.limits.concurrency - this.#inHand.count(agent)
  }

  /** Whoever leaves a line may leave a free place to the next. */
  #leaveLines(thread: ThreadId, stays: ReadonlySet<AgentId>): void {
    this.#lines.leaveAllBut(thread, stays)
    for (const agent of this.#seats.keys()) this.#wakeNext(agent)
  }

  #wakeNext(agent: AgentId): void {
    this.#lines.first(agent, this.#freePlaces(agent)).forEach(this.#visits.request)
  }

  async #take(review: Review, due: DueTurn, tools: TurnTools, place: Place): Promise<void> {
    const { thread } = review
    const stillDue = async () => {
      const current = await this.#read(thread)
      return current !== undefined && dueTurns(current, this.#options.peer).some(({ turn }) => turn === due.turn)
    }
    const attended = await attendTurn(review, due, { tools, readChange: this.#readChange, stillDue, place })
    this.#rests.note(thread, due, attended)
  }

  #left(thread: ThreadId, agent: AgentId): void {
    this.#wakeNext(agent)
    this.#visits.request(thread)
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  #observe(fact: AgentFact): void {
    this.#options.observe?.(fact)
  }

  #toolsFor(agent: AgentDefinition): TurnTools {
    const { providers, threads, budget, limits, now, sleep, tokens = () => undefined } = this.#options
    const provider = providers.get(agent.provider)
    if (provider === undefined) throw new RangeError(`agent ${agent.name}: no provider named ${agent.provider}`)
    const observe = (fact: AgentFact) => this.#observe(fact)
    const signals = { stopping: this.#stopping.signal, abort: this.#abort.signal }
    return { threads, budget, provider, agent, limits, now, sleep, observe, tokens, ...signals }
  }
}

function givesUp(duty: Duty): boolean {
  return duty.kind !== 'verdict' || duty.decision.outcome === 'escalated'
}
