import { type Review, reviewReport } from '@bzzz/agents'
import { type FindingView, type ReviewReport, usdOf } from '@bzzz/protocols'
import type { DoorPorts, ThreadView } from '../ports.ts'
import { isoTime, type NodeNames, nodeNames, peerOf } from './names.ts'
import { seatViews } from './seats.ts'
import { termsView } from './terms.ts'

type Report = ReturnType<typeof reviewReport>

/** The report of a review, running or decided: everything in it comes from the thread's entries. */
export function reportView(ports: DoorPorts, view: ThreadView, review: Review): ReviewReport {
  const report = reviewReport(review)
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
    coverage: coverageView(report),
    costs: costsView(report, view, names),
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

function costsView({ cost }: Report, view: ThreadView, names: NodeNames): ReviewReport['costs'] {
  return {
    total_usd: usdOf(cost.total),
    by_agent: cost.byAgent.map(({ agent, amount }) => ({
      agent,
      node_id: names(peerOf(agent)),
      cost_usd: usdOf(amount),
      input_tokens: tokensOf(view, agent, 'input'),
      output_tokens: tokensOf(view, agent, 'output'),
    })),
    by_node: cost.byNode.map(({ peer, amount }) => ({ node_id: names(peer), peer_id: peer, cost_usd: usdOf(amount) })),
  }
}

function tokensOf({ entries }: ThreadView, author: string, kind: 'input' | 'output'): number {
  return entries.reduce((sum, { entry }) => sum + (entry.author === author ? (entry.tokens?.[kind] ?? 0) : 0), 0)
}
