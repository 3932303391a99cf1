import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  authorPeer,
  continueId,
  type Entry,
  type EntryOf,
  entry,
  isKnown,
  isType,
  MAX_CONTENT_CHARS,
  proposalHash,
} from '../src/entry/entry.ts'
import { agentIdOf, MAX_PART, openedThreadId } from '../src/ids/ids.ts'
import { golden, signerOf } from './keys.ts'

const { peer } = signerOf(1)
const agent = agentIdOf('security', peer)
const base = { id: 'entry-0001', author: agent, ts: 1_795_305_600_000, content: 'words' } as const
const turn = 'a1'.repeat(32) as EntryOf<'finding'>['turn']
const hash = 'b2'.repeat(32)
const thread = openedThreadId(peer, 1_795_305_600_000)
const finding = {
  severity: 'high',
  file: 'src/a.ts',
  line: 3,
  rule: 'r',
  quote: 'q',
  message: 'm',
  verified: true,
} as const

test('an entry tells of no more tokens than a turn can take, so that sums stay exact', () => {
  const of = (input: number) => entry.safeParse({ ...base, type: 'message', tokens: { input, output: 0 } }).success
  expect([1_000_000_000, 1_000_000_001, Number.MAX_SAFE_INTEGER].map(of)).toEqual([true, false, false])
})

/** One of each type, with every member it may have. */
const examples: Record<string, Entry> = {
  open: {
    ...base,
    type: 'open',
    topic: 'A change',
    project: 'bzzz',
    review: {
      change: { blob: hash, bytes: 10, repository: 'r', base: 'b', head: 'h', title: 't', files: 1 },
      seats: [{ role: 'security', agent }],
      rounds: 3,
      seatTimeoutMs: 60_000,
    },
    cap: { amount: '10', shares: [{ account: { peer, incarnation: '0'.repeat(32) as never }, amount: '10' }] },
  },
  join: { ...base, type: 'join', agent, role: 'security' },
  message: {
    ...base,
    type: 'message',
    turn,
    round: 1,
    replyTo: 'entry-0000',
    model: 'gpt',
    cost: '5',
    simulated: true,
  },
  finding: {
    ...base,
    type: 'finding',
    turn,
    findings: [finding],
    coverage: [{ file: 'a', reviewed: false, reason: 'binary' }],
  },
  proposal: { ...base, type: 'proposal', turn, round: 1, outcome: 'changes_requested', blocking: ['entry-0001#0'] },
  vote: { ...base, type: 'vote', turn, round: 1, proposal: hash, choice: 'reject', blockers: ['entry-0001#0'] },
  verdict: {
    ...base,
    type: 'verdict',
    outcome: 'escalated',
    round: 1,
    proposal: null,
    heads: [hash],
    reason: 'absent',
  },
  timeout: { ...base, type: 'timeout', phase: 'vote', round: 1, absent: [agent] },
  task: { ...base, type: 'task', title: 't', state: 'open' },
  escalation: { ...base, type: 'escalation', reason: 'r', state: 'pending' },
  note: { ...base, type: 'note', code: 'paused', turn },
  archive: { ...base, type: 'archive' },
  continue: { ...base, type: 'continue', id: continueId(2), of: thread, part: 2, heads: [hash] },
  'x-poll': { ...base, type: 'x-poll', question: 'why?', options: [1, 2] },
}

describe('an entry', () => {
  test.each(Object.entries(examples))('of type %s is read back as it was written', (type, example) => {
    const read = entry.parse(JSON.parse(JSON.stringify(example)))
    expect(read).toEqual(example)
    expect(isType(read, 'open')).toBe(type === 'open')
    expect(isKnown(read)).toBe(!type.startsWith('x-'))
  })

  test('that continues a thread has the text of its golden file, and names a part that there can be', () => {
    expect(JSON.stringify(entry.parse(examples.continue))).toBe(golden('entry').continue)
    const of = (part: number) => entry.safeParse({ ...examples.continue, part }).success
    expect([0, 1, MAX_PART, MAX_PART + 1].map(of)).toEqual([false, true, true, false])
    expect(entry.safeParse({ ...examples.continue, heads: [] }).success).toBe(false)
  })

  test('that archives has the text of its golden file', () => {
    expect(JSON.stringify(entry.parse(examples.archive))).toBe(golden('entry').archive)
  })

  test('with a member that its type does not have, or without one that it must have, is refused', () => {
    for (const example of Object.values(examples).filter(isKnown)) {
      expect(entry.safeParse({ ...example, surprise: 1 }).success, example.type).toBe(false)
      for (const member of ['id', 'author', 'ts', 'content', 'type']) {
        expect(entry.safeParse({ ...example, [member]: undefined }).success, `${example.type}.${member}`).toBe(false)
      }
    }
  })

  test('has bounds', () => {
    const message = { ...base, type: 'message' }
    expect(entry.safeParse({ ...message, content: 'x'.repeat(MAX_CONTENT_CHARS) }).success).toBe(true)
    expect(entry.safeParse({ ...message, content: 'x'.repeat(MAX_CONTENT_CHARS + 1) }).success).toBe(false)
    for (const id of ['short', 'x'.repeat(65), 'with space', 'with/slash']) {
      expect(entry.safeParse({ ...message, id }).success, id).toBe(false)
    }
    expect(entry.safeParse({ ...message, type: 'gossip' }).success).toBe(false)
    expect(entry.safeParse({ ...message, ts: -1 }).success).toBe(false)
  })

  test('of arbitrary JSON is refused or reads back equal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(examples)), (value, type) => {
        const any: unknown = JSON.parse(JSON.stringify(value)) // as JSON writes it: without -0
        const given: unknown = { ...examples[type], ...(typeof any === 'object' ? any : { content: any }) }
        const read = entry.safeParse(given)
        if (read.success) expect(entry.parse(JSON.parse(JSON.stringify(read.data)))).toEqual(read.data)
      }),
    )
  })
})

describe('an author', () => {
  test('is an agent, a human or the system, at a peer', () => {
    for (const name of ['security', 'human:Ada Lovelace', 'system']) expect(authorPeer(`${name}@${peer}`)).toBe(peer)
    for (const bad of ['security', `@${peer}`, `robot:x@${peer}`, `a@b@${peer}`, `security@${peer}x`]) {
      expect(authorPeer(bad), bad).toBeUndefined()
    }
  })
})

describe('the hash of a proposal', () => {
  const proposal = examples.proposal as EntryOf<'proposal'>

  test('has the value of its spec', () => expect(proposalHash(proposal)).toBe(golden('entry').proposalHash))

  test('is another one for other words, blockers, rounds, outcomes, turns and authors, but not for another id or time', () => {
    const others: EntryOf<'proposal'>[] = [
      { ...proposal, content: 'other words' },
      { ...proposal, blocking: [] },
      { ...proposal, round: 2 },
      { ...proposal, outcome: 'approved' },
      { ...proposal, turn: 'c3'.repeat(32) as EntryOf<'proposal'>['turn'] },
      { ...proposal, author: `human:ada@${peer}` },
    ]
    expect(new Set([proposal, ...others].map(proposalHash)).size).toBe(7)
    expect(proposalHash({ ...proposal, id: 'entry-0002', ts: 1 })).toBe(proposalHash(proposal))
  })
})
