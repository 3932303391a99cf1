import { type Entry, type Finding, isType } from '@bzzz/protocols'
import { type DueTurn, dueTurns } from '../../src/review/due.ts'
import { dueDuties, dutyEntry } from '../../src/review/duties.ts'
import type { Review } from '../../src/review/review.ts'
import { readReview } from '../../src/review/review.ts'
import { findingRef } from '../../src/review/task.ts'
import { messageEntry, noteEntry, proposalEntry, voteEntry } from '../../src/turns/entries.ts'
import { THREAD, type World, type WorldNode } from './world.ts'

/** What a seat says when its turn comes. */
export interface Opinion {
  readonly findings?: number
  /** Whether a tool found what they quote; true unless told. */
  readonly verified?: boolean
  /** Whether the change could be read; true unless told. */
  readonly reviewed?: boolean
  readonly outcome?: 'approved' | 'changes_requested'
  readonly choice?: 'approve' | 'reject' | 'abstain'
  readonly blockers?: (due: DueTurn) => string[]
}

export function reviewAt(node: WorldNode): Review {
  const review = readReview(node.read())
  if (review === undefined) throw new Error('no review here')
  return review
}

export function dueAt(node: WorldNode): DueTurn[] {
  return dueTurns(reviewAt(node), node.peer)
}

/** Takes a due turn without a model: writes the entry that says this. */
export function say(node: WorldNode, due: DueTurn, opinion: Opinion = {}): void {
  node.write(entryFor(due, opinion))
}

/** All seats of all nodes take their due turns, until nothing is due. */
export function sayAll(world: World, opinion: (due: DueTurn) => Opinion = () => ({})): void {
  for (let more = true; more; ) {
    more = false
    for (const node of world.nodes) {
      for (const due of dueAt(node)) {
        say(node, due, opinion(due))
        more = true
      }
    }
  }
}

export function doDuties(node: WorldNode, { now = 0, live = [] as readonly WorldNode[] } = {}): void {
  const context = { self: node.peer, live: new Set(live.map(({ peer }) => peer)), now }
  const review = reviewAt(node)
  for (const duty of dueDuties(review, context)) node.write(dutyEntry(review, duty, context))
}

export function noteTrouble(
  node: WorldNode,
  due: DueTurn,
  code: 'paused' | 'resumed' | 'unavailable',
  why: string,
): void {
  node.write(noteEntry(THREAD, due, code, 0, why, 0))
}

export const FINDING: Finding = {
  severity: 'high',
  file: 'a.ts',
  line: 1,
  rule: 'logic',
  quote: 'a',
  message: 'wrong',
  verified: true,
}

function entryFor(due: DueTurn, opinion: Opinion): Entry {
  const { findings = 0, verified = true, reviewed = true, outcome = 'approved', choice = 'approve', blockers } = opinion
  const { turn, agent, round, question } = due
  const tokens = { input: 1, output: 1 }
  const head = { id: turn, turn, author: agent, ts: round, model: 'm', tokens, cost: '5' }
  switch (question.phase) {
    case 'findings': {
      const coverage = [{ file: 'a.ts', reviewed }]
      const found = Array(findings).fill({ ...FINDING, verified })
      return { ...head, type: 'finding', content: 'read', findings: found, coverage }
    }
    case 'discussion':
      return messageEntry(head, round, { content: 'said' })
    case 'proposal': {
      const all = question.findings.flatMap((seat) => seat.findings.map((_, index) => findingRef(seat.entry, index)))
      const blocking = blockers?.(due) ?? (outcome === 'approved' ? [] : all)
      const content = `by ${agent}`
      return { ...proposalEntry(head, round, { outcome, blocking, content }, question.findings), blocking }
    }
    case 'vote': {
      const stoodOn = blockers?.(due) ?? []
      const reply = { choice, blockers: stoodOn, content: choice }
      return { ...voteEntry(head, round, question.proposalHash, reply, question.findings), blockers: stoodOn }
    }
  }
}

export function turnsWritten(world: World): string[] {
  return world.changes.flatMap(({ entry }) => {
    const isTurn =
      isType(entry, 'finding') || isType(entry, 'message') || isType(entry, 'proposal') || isType(entry, 'vote')
    return isTurn && entry.turn !== undefined ? [entry.turn] : []
  })
}
