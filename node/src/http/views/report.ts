import { type Review, reviewReport } from '@bzzz/agents'
import {
  type AgentId,
  type ChangeSet,
  type Entry,
  type FindingView,
  isType,
  type ReviewReport,
  type ThreadId,
  turnIdOf,
  usdOf,
} from '@bzzz/protocols'
import type { ThreadView } from '@bzzz/threads'
import type { DoorPorts } from '../ports.ts'
import { isoTime, type NodeNames, nodeNames, peerOf } from './names.ts'
import { seatViews } from './seats.ts'
import { termsView } from './terms.ts'
import { peoplesVotes } from './votes.ts'

type Report = ReturnType<typeof reviewReport>

/**
 * The report of a review, running or decided: everything in it comes from the thread's entries.
 * @param change by which their evidence is checked once more; undefined while it is not here
 */
export function reportView(
  ports: DoorPorts,
  view: ThreadView,
  review: Review,
  change: ChangeSet | undefined,
): ReviewReport {
  const report = reviewReport(review, change)
  const { terms, stage, record } = review
  const { cap } = record.open.entry
  const names = nodeNames(ports)
  return {
    thread: view.thread,
    heads: [...view.heads],
    terms: termsView(ports, terms, cap === undefined ? null : BigInt(cap.amount)),
    state: review.verdict?.outcome ?? 'running',
    phase: stage.status === 'waiting' ? stage.phase : null,
    round: report.rounds,
    verdict: verdictView(review),
    seats: seatViews(view, review, names),
    findings: [...report.findings, ...report.unverified].map(findingView),
    dissent: report.dissent.map((vote) => ({ ...vote, blockers: [...vote.blockers] })),
    people: peoplesVotes(view, review, names),
    coverage: coverageView(report),
    costs: costsView(report, view, review, names),
    simulated: report.simulated,
  }
}

function verdictView({ verdict }: Review): ReviewReport['verdict'] {
  if (verdict === undefined) return null
  const { outcome, round, reason, proposal, content, ts } = verdict
  return { outcome, round, reason: reason ?? null, proposal, content, ts: isoTime(ts) }
}

function findingView({ counted: _, suggestion, ...finding }: Report['findings'][number]): FindingView {
  return { ...finding, suggestion: suggestion ?? null }
}

function coverageView({ coverage }: Report): ReviewReport['coverage'] {
  return coverage.map(({ file, readBy, notReadBy: [unread] }) => ({
    file,
    reviewed_by: [...readBy],
    reason: unread?.reason ?? null,
  }))
}

function costsView({ cost }: Report, view: ThreadView, review: Review, names: NodeNames): ReviewReport['costs'] {
  return {
    total_usd: usdOf(cost.total),
    by_agent: cost.byAgent.map(({ agent, amount }) => {
      const { input, output } = tokensOf(view, review, agent)
      const node_id = names(peerOf(agent))
      return { agent, node_id, cost_usd: usdOf(amount), input_tokens: input, output_tokens: output }
    }),
    by_node: cost.byNode.map(({ peer, amount }) => ({ node_id: names(peer), peer_id: peer, cost_usd: usdOf(amount) })),
  }
}

/** Of each of the agent's turns what its entry says, or while there is none, its last note. Other posts are on no bill. */
function tokensOf(
  { thread, entries }: ThreadView,
  { terms }: Review,
  agent: AgentId,
): { input: number; output: number } {
  const turns = new Set(turnsOf(thread, terms.rounds, agent))
  const told = new Map<string, Entry>()
  for (const { entry, peer } of entries) {
    if (peer !== peerOf(agent) || entry.author !== agent || entry.tokens === undefined) continue
    if (turns.has(entry.id)) told.set(entry.id, entry)
    else if (isType(entry, 'note') && entry.turn !== undefined && turns.has(entry.turn)) {
      if (told.get(entry.turn)?.id !== entry.turn) told.set(entry.turn, entry)
    }
  }
  const sum = (kind: 'input' | 'output') =>
    [...told.values()].reduce((all, { tokens }) => all + (tokens?.[kind] ?? 0), 0)
  return { input: sum('input'), output: sum('output') }
}

const PHASES = ['findings', 'discussion', 'proposal', 'vote'] as const

function turnsOf(thread: ThreadId, rounds: number, agent: AgentId): string[] {
  const numbers = Array.from({ length: rounds }, (_, i) => i + 1)
  return PHASES.flatMap((phase) => numbers.map((round) => turnIdOf({ thread, phase, round, agent })))
}
