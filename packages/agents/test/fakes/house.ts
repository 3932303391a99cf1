import { encodeChangeSet } from '../../src/change/encoding.ts'
import type { ModelProvider } from '../../src/model/model.ts'
import { BUILT_IN_ROLES } from '../../src/roles/built-in.ts'
import type { Agents, AgentsOptions } from '../../src/turns/agents.ts'
import type { AgentFact, TurnLimits } from '../../src/turns/ports.ts'
import { openAgents } from '../../src/turns/runner.ts'
import { FakeBudget } from './budget.ts'
import { Clock } from './clock.ts'
import { addedFile, changeOf } from './model.ts'
import { ROLES, World } from './world.ts'

export const LIMITS: TurnLimits = { concurrency: 2, maxOutputTokens: 1_000, callTimeoutMs: 60_000, attempts: 3 }
export const CHANGE = changeOf(
  addedFile('a.ts', ['export const a = 1', 'export const broken = a /', 'export const c = 3']),
)

/** Nodes with one agent each, linked into one world, all under one clock. */
export class House {
  readonly clock = new Clock(1_000)
  readonly facts: AgentFact[] = []
  readonly world: World
  readonly #open = new Set<Agents>()

  constructor(nodes: number) {
    this.world = new World(nodes)
  }

  async run(
    n: number,
    provider: ModelProvider,
    options: { budget?: FakeBudget; limits?: Partial<TurnLimits> } & Partial<
      Omit<AgentsOptions, 'budget' | 'limits'>
    > = {},
  ): Promise<Agents> {
    const node = this.world.node(n)
    const role = BUILT_IN_ROLES.find(({ name }) => name === ROLES[n])
    if (role === undefined) throw new RangeError(`no role ${n}`)
    const agents = await openAgents({
      peer: node.peer,
      threads: node,
      providers: new Map([['scripted', provider]]),
      agents: [{ name: role.name, role, model: 'model-1', provider: 'scripted' }],
      finished: { unchanged: async () => new Set(), markOf: async () => new Uint8Array(), note: async () => undefined },
      fetchBlob: async () => encodeChangeSet(CHANGE),
      livePeers: () => new Set(this.world.nodes.map(({ peer }) => peer)),
      now: this.clock.now,
      sleep: this.clock.sleep,
      observe: (fact) => this.facts.push(fact),
      ...options,
      limits: { ...LIMITS, ...options.limits },
      budget: options.budget ?? new FakeBudget(),
    })
    this.#open.add(agents)
    return agents
  }

  /** What was opened is dead: nobody waits for it. */
  abandon(): void {
    this.#open.clear()
    this.clock.forget()
    for (const node of this.world.nodes) node.deafen()
  }

  kinds(): string[] {
    return this.facts.map(({ type }) => type)
  }

  async close(): Promise<void> {
    const given = AbortSignal.abort()
    await Promise.all([...this.#open].map((agents) => agents.close({ signal: given })))
  }
}
