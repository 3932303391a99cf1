import type { DiscussionReply, ProposalReply, VoteReply } from '../review/replies.ts'
import type { DiscussionTask, ProposalTask, VoteTask } from '../review/task.ts'
import { listed } from './listing.ts'
import { blockingFor, gravest, MAX_BLOCKING, type SeatFinding, verifiedFindings, worthMending } from './policy.ts'

/** Says what this role holds as blocking, and what it does not. */
export function discuss({ role, findings }: DiscussionTask): DiscussionReply {
  const all = verifiedFindings(findings)
  const blocking = blockingFor(role, all)
  const rest = all.filter((finding) => !blocking.includes(finding))
  const parts = [
    listedFindings(`The policy of ${role} holds as blocking`, blocking),
    listedFindings('It does not block on', rest),
  ]
  return {
    content: spoken(role, all.length === 0 ? 'No verified finding to discuss.' : parts.filter(Boolean).join(' ')),
  }
}

/** Requests changes when its policy finds a blocker, or a rejecting vote of an earlier round named one. */
export function propose({ role, findings, openBlockers }: ProposalTask): ProposalReply {
  const all = verifiedFindings(findings)
  const open = all.filter(({ ref }) => openBlockers.includes(ref))
  const blockers = [...new Set([...blockingFor(role, all), ...open])]
  if (blockers.length === 0)
    return { outcome: 'approved', blocking: [], content: spoken(role, `Approved: ${reasonToApprove(role, all)}`) }
  const mend = gravest([...new Set([...blockers, ...worthMending(all)])])
  const content = spoken(role, `Changes requested. ${listedFindings('To be mended', mend)}`)
  return { outcome: 'changes_requested', blocking: mend.map(({ ref }) => ref), content }
}

function reasonToApprove(role: string, all: readonly SeatFinding[]): string {
  if (all.length === 0) return 'no verified finding.'
  return `none of ${all.length} verified findings is blocking by the policy of ${role}.`
}

/**
 * Rejects an outcome that contradicts its own list, and a list without what this role's policy holds as blocking, unless
 * the list is full.
 */
export function vote({ role, findings, proposal }: VoteTask): VoteReply {
  const missing = blockingFor(role, verifiedFindings(findings)).filter(({ ref }) => !proposal.blocking.includes(ref))
  const full = proposal.blocking.length >= MAX_BLOCKING
  if (!full && missing.length > 0) {
    const content = spoken(role, `Rejected. ${listedFindings('Blocking by policy and not on the list', missing)}`)
    return { choice: 'reject', blockers: gravest(missing).map(({ ref }) => ref), content }
  }
  const contradicts = (proposal.outcome === 'approved') !== (proposal.blocking.length === 0)
  if (!contradicts)
    return { choice: 'approve', blockers: [], content: spoken(role, `Agreed with "${proposal.outcome}".`) }
  const content = spoken(role, `Rejected: "${proposal.outcome}" contradicts a list of ${proposal.blocking.length}.`)
  return { choice: 'reject', blockers: [], content }
}

function spoken(role: string, text: string): string {
  return `Offline rules (policy table for ${role}), no language model. ${text}`
}

function listedFindings(what: string, findings: readonly SeatFinding[]): string {
  const items = findings.map(({ ref, finding: it }) => `${it.severity} ${it.rule} at ${it.file}:${it.line} (${ref})`)
  return listed(what, items, '; ')
}
