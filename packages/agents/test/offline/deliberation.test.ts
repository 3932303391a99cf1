import type { AgentId, ChangeSet, Finding, Severity } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { discuss, propose, vote } from '../../src/offline/deliberation.ts'
import type { SeatFindings } from '../../src/review/task.ts'

const change: ChangeSet = { v: 1, repository: 'r', base: 'b', head: 'h', title: 't', files: [], lockfiles: [] }
const agent = 'agent@peer' as AgentId

function seat(role: string, ...severities: Severity[]): SeatFindings {
  const findings = severities.map(
    (severity): Finding => ({
      severity,
      file: 'a.ts',
      line: 1,
      rule: 'rule',
      quote: 'q',
      message: 'm',
      verified: true,
    }),
  )
  return { role, agent, entry: `${role}-entry`, findings }
}

function proposal(role: string, findings: SeatFindings[], openBlockers: string[] = []) {
  return propose({ phase: 'proposal', role, agent, round: 1, change, findings, openBlockers })
}

function voteOn(
  role: string,
  findings: SeatFindings[],
  outcome: 'approved' | 'changes_requested',
  blocking: string[] = [],
) {
  return vote({ phase: 'vote', role, agent, round: 1, change, findings, proposal: { outcome, blocking, content: '' } })
}

describe('the policy tables', () => {
  test('propose approval when nothing blocks', () => {
    expect(proposal('architect', [])).toMatchObject({ outcome: 'approved', blocking: [] })
    expect(proposal('architect', [seat('architect', 'low', 'info')])).toMatchObject({
      outcome: 'approved',
      blocking: [],
    })
  })

  test('hold a finding of medium weight as blocking for the seat that raised it, of high weight for all', () => {
    const medium = [seat('security', 'medium')]
    expect(proposal('architect', medium).outcome).toBe('approved')
    expect(proposal('security', medium).outcome).toBe('changes_requested')
    expect(proposal('senior_architect', medium).outcome).toBe('changes_requested')
    expect(proposal('architect', [seat('security', 'high')]).outcome).toBe('changes_requested')
  })

  test('list everything worth mending once changes are due', () => {
    const { blocking } = proposal('architect', [
      seat('security', 'critical', 'low'),
      seat('reviewer', 'medium', 'info'),
    ])
    expect(blocking).toEqual(['security-entry#0', 'reviewer-entry#0'])
  })

  test('do not count what no tool has verified', () => {
    const unverified = {
      ...seat('security'),
      findings: seat('security', 'critical').findings.map((it) => ({ ...it, verified: false })),
    }
    expect(proposal('security', [unverified]).outcome).toBe('approved')
    expect(voteOn('security', [unverified], 'approved').choice).toBe('approve')
  })

  test('disagree about a medium finding in round 1 and agree in round 2', () => {
    const findings = [seat('architect'), seat('reviewer'), seat('security', 'medium')]
    const first = proposal('architect', findings)
    expect(first.outcome).toBe('approved')
    expect(voteOn('reviewer', findings, first.outcome, first.blocking).choice).toBe('approve')
    const rejection = voteOn('security', findings, first.outcome, first.blocking)
    expect(rejection).toMatchObject({ choice: 'reject', blockers: ['security-entry#0'] })

    const second = proposal('reviewer', findings, rejection.blockers)
    expect(second).toMatchObject({ outcome: 'changes_requested', blocking: ['security-entry#0'] })
    for (const role of ['architect', 'reviewer', 'security'])
      expect(voteOn(role, findings, second.outcome, second.blocking)).toMatchObject({ choice: 'approve', blockers: [] })
  })

  test('list no more than a reply has room for, the gravest first, and do not reject a full list for what is missing', () => {
    const findings = [seat('reviewer', ...Array<Severity>(150).fill('medium'), 'critical')]
    const { outcome, blocking } = proposal('reviewer', findings)
    expect(blocking).toHaveLength(100)
    expect(blocking[0]).toBe('reviewer-entry#150')
    expect(voteOn('reviewer', findings, outcome, blocking).choice).toBe('approve')
    expect(voteOn('reviewer', findings, outcome, blocking.slice(1)).choice).toBe('reject')
  })

  test('reject an outcome that contradicts its own list', () => {
    expect(voteOn('architect', [], 'changes_requested').choice).toBe('reject')
    expect(voteOn('architect', [seat('reviewer', 'low')], 'approved', ['reviewer-entry#0']).choice).toBe('reject')
  })

  test('say that they are rules and no language model', () => {
    const findings = [seat('security', 'medium')]
    const discussion = discuss({ phase: 'discussion', role: 'architect', agent, round: 1, change, findings })
    const contents = [discussion, proposal('architect', findings), voteOn('security', findings, 'approved')].map(
      ({ content }) => content,
    )
    for (const content of contents)
      expect(content).toMatch(/^Offline rules \(policy table for \w+\), no language model\. /)
    expect(discussion.content).toContain('It does not block on: medium rule at a.ts:1 (security-entry#0).')
  })
})
