import type { ChangeSet, ReviewOpened } from '@bzzz/protocols'
import { reviewRequest, turnEvent } from '@bzzz/protocols'
import { type ReviewResult, resultOf } from '../cli/report.ts'
import { followReview, openReview, type ReviewEnd, type ReviewProgress } from '../cli/review-session.ts'
import { type PlantedFault, plantedFaults, readFixture } from './fixtures.ts'
import { type Lab, type LabNode, openLab } from './lab.ts'
import { meshFormed, type NodeProof, proofOf } from './proof.ts'

/** What `bzzz demo --json` prints. */
export interface DemoResult {
  readonly verdict: ReviewResult['verdict']
  readonly thread: string
  readonly findings: readonly { severity: string; file: string; line: number; rule: string; agent: string }[]
  readonly converged: boolean
  readonly nodes: readonly NodeProof[]
  readonly limit_usd: number
  readonly spent_usd: number
  readonly kill_test: {
    readonly killed: string
    readonly verdict: ReviewResult['verdict']
    readonly converged: boolean
    readonly findings: number
  }
  readonly absent_test: { readonly verdict: ReviewResult['verdict']; readonly reason: string | null }
  /** Faults that were planted and that rules can find, and how many of them were found; null with a language model. */
  readonly planted: { readonly findable: number; readonly found: number } | null
  /** True for the offline rules and their play money. */
  readonly simulated: boolean
  /** Everything above is as it must be. */
  readonly proven: boolean
}

export interface DemoOptions {
  readonly model: { readonly baseUrl: string | undefined; readonly name: string | undefined } | undefined
  readonly budgetUsd: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pricing: Parameters<typeof openLab>[0]['pricing']
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly signal: AbortSignal
  /** A new part begins. */
  readonly chapter: (title: string) => void
  readonly line: (text: string) => void
  /** Lines for one review. */
  readonly progress: () => (step: ReviewProgress) => void
  readonly report: (end: ReviewEnd) => void
  /** Called instead of stopping the nodes, when they are to be kept. */
  readonly keep?: (lab: Lab) => Promise<void>
}

const MEMBERS = [
  ['walnut', 'architect'],
  ['ironwood', 'reviewer'],
  ['acacia', 'security'],
] as const
const SEAT_TIMEOUT_S = { normal: 60, withModel: 600, absent: 12 }
const KILL_TIMEOUT_MS = 30_000
const PAUSE_WAIT_MS = 10_000

/** Three nodes on this machine review a real change; then one is killed, and once more, for good. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  options.chapter('Three nodes, three processes, no database')
  const lab = await openLab({
    network: 'demo',
    members: MEMBERS,
    dailyUsd: options.budgetUsd,
    upArguments: upArguments(options.model),
    env: options.env,
    pricing: options.pricing,
    now: options.now,
    randomBytes: options.randomBytes,
    signal: options.signal,
  })
  try {
    for (const node of lab.nodes) options.line(`  ${node.label}: ${node.role}, ${node.peer}`)
    await meshFormed(lab.nodes, options.signal)
    const result = await new Demo(lab, options).run()
    if (options.keep !== undefined) await keep(lab, options.keep)
    return result
  } finally {
    await lab.close()
  }
}

async function keep(lab: Lab, wait: NonNullable<DemoOptions['keep']>): Promise<void> {
  await lab.nodes.find((node) => node.role === 'security')?.restart()
  await wait(lab)
}

function upArguments(model: DemoOptions['model']): string[] {
  if (model === undefined) return ['--provider', 'offline']
  return [
    '--provider',
    'openai',
    ...(model.baseUrl === undefined ? [] : ['--base-url', model.baseUrl]),
    ...(model.name === undefined ? [] : ['--model', model.name]),
  ]
}

class Demo {
  readonly #lab: Lab
  readonly #options: DemoOptions
  readonly #first: LabNode
  readonly #security: LabNode
  readonly #changes = new Map<'faults' | 'clean', Promise<ChangeSet>>()

  constructor(lab: Lab, options: DemoOptions) {
    const security = lab.nodes.find((node) => node.role === 'security')
    const [first] = lab.nodes
    if (first === undefined || security === undefined) throw new Error('the lab lacks a node')
    this.#lab = lab
    this.#options = options
    this.#first = first
    this.#security = security
  }

  async run(): Promise<DemoResult> {
    const main = await this.#mainReview()
    const killed = await this.#killTest()
    const absent = await this.#absentTest()
    const { review, proof, planted } = main
    const findings = review.findings.map(({ severity, file, line, rule, agent }) => ({
      severity,
      file,
      line,
      rule,
      agent,
    }))
    const result = {
      verdict: review.verdict,
      thread: review.thread,
      findings,
      converged: proof.converged,
      nodes: proof.nodes,
      limit_usd: proof.limit_usd,
      spent_usd: proof.nodes[0]?.spent_usd ?? 0,
      kill_test: killed,
      absent_test: absent,
      planted,
      simulated: review.simulated,
    }
    return { ...result, proven: proven(result) }
  }

  async #mainReview() {
    const { chapter, line, report, signal } = this.#options
    chapter('A change with planted faults is reviewed by an architect, a reviewer and a security agent')
    const end = await this.#review(await this.#fixture('faults'))
    report(end)
    chapter('The proof: all three hold the same thread and the same bill')
    const proof = await proofOf(this.#lab.nodes, end.report.thread, signal)
    for (const node of proof.nodes)
      line(
        `  ${node.node_id}: ${node.entries} entries, head ${node.heads.map((head) => head.slice(0, 12)).join(' ')}, the mesh spent $${node.spent_usd.toFixed(6)}`,
      )
    line(proof.converged ? '  equal' : '  NOT equal')
    const review = resultOf(end)
    const planted = review.simulated ? countFound(await plantedFaults(), review) : null
    if (planted !== null) line(`  planted faults that rules can find: ${planted.findable}, found: ${planted.found}`)
    return { review, proof, planted }
  }

  async #killTest(): Promise<DemoResult['kill_test']> {
    const { chapter, line, signal } = this.#options
    chapter(`The same without a fault in the change, and ${this.#security.label} is killed (SIGKILL) in the middle`)
    const killInTurn = await this.#killerInTurn()
    const end = await this.#review(await this.#fixture('clean'), async (opened) => {
      await killInTurn(opened.thread)
      await this.#security.restart()
      line(`  ${this.#security.label} is back under the same peer id`)
    })
    const { converged } = await proofOf(this.#lab.nodes, end.report.thread, signal)
    const result = resultOf(end)
    line(
      `  verdict ${result.verdict}, ${result.findings.length} findings, threads ${converged ? 'equal' : 'NOT equal'}`,
    )
    return { killed: this.#security.label, verdict: result.verdict, converged, findings: result.findings.length }
  }

  async #absentTest(): Promise<DemoResult['absent_test']> {
    const { chapter, line, signal } = this.#options
    chapter(`Once more, and ${this.#security.label} stays dead: nobody decides for it`)
    await meshFormed(this.#lab.nodes, signal)
    const killInTurn = await this.#killerInTurn()
    const end = await this.#review(
      await this.#fixture('clean'),
      (opened) => killInTurn(opened.thread),
      SEAT_TIMEOUT_S.absent,
    )
    const { verdict, reason } = resultOf(end)
    line(`  verdict ${verdict}: ${reason ?? ''}`)
    return { verdict, reason }
  }

  /** Watches the security node from now on. @returns what kills it once it works on its first turn of a thread */
  async #killerInTurn(): Promise<(thread: string) => Promise<void>> {
    const done = new AbortController()
    const signal = AbortSignal.any([this.#options.signal, done.signal, AbortSignal.timeout(KILL_TIMEOUT_MS)])
    const events = await this.#security.client.events('/api/events', { signal })
    return async (thread) => {
      for await (const event of events) {
        if (event.event === 'turn' && turnEvent.parse(JSON.parse(event.data)).thread === thread) break
      }
      await this.#security.kill()
      done.abort()
      this.#options.line(`  ${this.#security.label} is killed while its agent works`)
    }
  }

  #fixture(name: 'faults' | 'clean'): Promise<ChangeSet> {
    const known = this.#changes.get(name)
    if (known !== undefined) return known
    const reading = readFixture(name, this.#lab.directory, this.#options.signal)
    this.#changes.set(name, reading)
    return reading
  }

  async #review(
    change: ChangeSet,
    meanwhile: (opened: ReviewOpened) => Promise<void> = async () => {},
    seatTimeoutS?: number,
  ): Promise<ReviewEnd> {
    const { signal, now, model } = this.#options
    const seatTimeout = seatTimeoutS ?? (model === undefined ? SEAT_TIMEOUT_S.normal : SEAT_TIMEOUT_S.withModel)
    const progress = this.#options.progress()
    const opened = await openReview(
      this.#first.client,
      reviewRequest.parse({ change, seat_timeout_s: seatTimeout }),
      signal,
    )
    progress({ type: 'opened', opened })
    const [end] = await Promise.all([
      followReview(this.#first.client, opened.thread, { signal, waitMs: PAUSE_WAIT_MS, now, progress }),
      meanwhile(opened),
    ])
    return end
  }
}

function countFound(planted: readonly PlantedFault[], review: ReviewResult): { findable: number; found: number } {
  const findable = planted.filter((fault) => fault.findable_by_rules)
  const found = findable.filter((fault) =>
    review.findings.some(
      (finding) =>
        finding.verified && finding.file === fault.file && finding.line === fault.line && finding.rule === fault.rule,
    ),
  )
  return { findable: findable.length, found: found.length }
}

/** With a language model the verdicts are its own; what must hold is that the nodes agree and the dead seat is not voted for. */
function proven(result: Omit<DemoResult, 'proven'>): boolean {
  const mesh =
    result.converged &&
    result.kill_test.converged &&
    result.spent_usd <= result.limit_usd &&
    result.absent_test.verdict === 'escalated' &&
    result.absent_test.reason === 'security absent'
  if (result.planted === null) return mesh
  const rules =
    result.planted.found === result.planted.findable &&
    result.verdict === 'changes_requested' &&
    result.kill_test.verdict === 'approved' &&
    result.kill_test.findings === 0
  return mesh && rules
}
