import type { AgentFact } from '@bzzz/agents'
import { agentIdOf, type CallId, peerIdFromPublicKey, type ThreadId, type TurnId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { createAgentNews } from '../../src/agents/news.ts'
import type { TurnNews } from '../../src/http/ports.ts'

const turn = {
  thread: '01937c3e-0000-7000-8000-000000000000' as ThreadId,
  turn: 't'.repeat(64) as TurnId,
  agent: agentIdOf('security', peerIdFromPublicKey(new Uint8Array(32))),
  phase: 'vote' as const,
  round: 2,
}

function ended(error: string | null): AgentFact {
  const { turn: id } = turn
  const none = { usage: null, unclear: null }
  return { type: 'call-ended', call: 'c' as CallId, turn: id, agent: 'security', model: 'm', ms: 1, error, ...none }
}

test.each<[AgentFact, Pick<TurnNews, 'state' | 'reason'>]>([
  [
    { type: 'turn-begun', ...turn },
    { state: 'started', reason: null },
  ],
  [
    { type: 'turn-written', ms: 5, ...turn },
    { state: 'finished', reason: null },
  ],
  [
    { type: 'turn-paused', by: 'day', reason: 'the day is spent', ...turn },
    { state: 'paused', reason: 'the day is spent' },
  ],
  [
    { type: 'turn-unavailable', reason: 'AUTH: bad key', ...turn },
    { state: 'unavailable', reason: 'AUTH: bad key' },
  ],
  [
    { type: 'turn-postponed', error: new Error('no blob'), ...turn },
    { state: 'failed', reason: 'Error: no blob' },
  ],
])('watchers are told of $type', (fact, expected) => {
  const news = createAgentNews(() => 0)
  const heard: TurnNews[] = []
  news.subscribe((each) => heard.push(each))
  news.observe(fact)
  expect(heard).toEqual([{ ...turn, ...expected }])
})

test('who stopped watching is told nothing more, and calls are no turns', () => {
  const news = createAgentNews(() => 0)
  const heard: TurnNews[] = []
  const stop = news.subscribe((each) => heard.push(each))
  news.observe(ended(null))
  stop()
  news.observe({ type: 'turn-begun', ...turn })
  expect(heard).toEqual([])
})

test('a failure is known until a call is answered again, and the last answer is not forgotten over it', () => {
  let nowMs = 1_000
  const news = createAgentNews(() => nowMs)
  expect(news.calls()).toEqual({ lastOkMs: null, lastError: null })
  news.observe(ended(null))
  nowMs = 2_000
  news.observe(ended('RATE_LIMITED'))
  expect(news.calls()).toEqual({ lastOkMs: 1_000, lastError: 'RATE_LIMITED' })
  news.observe(ended(null))
  expect(news.calls()).toEqual({ lastOkMs: 2_000, lastError: null })
})
