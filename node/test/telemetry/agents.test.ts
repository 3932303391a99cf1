import type { AgentId, CallId, ThreadId, TurnId } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { observeAgents } from '../../src/telemetry/agents.ts'
import { instrumentsUnderTest } from './lines.ts'

const about = {
  turn: 'turn' as TurnId,
  thread: 'thread' as ThreadId,
  agent: 'architect@walnut' as AgentId,
  phase: 'vote',
  round: 1,
} as const

it('measures calls and turns', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  const observe = observeAgents(instruments)
  const usage = { input: 700, cachedInput: 0, cacheWrite: 700, output: 30, reasoning: 0, cost: null }
  const ended = {
    type: 'call-ended',
    call: 'call' as CallId,
    turn: about.turn,
    agent: about.agent,
    model: 'gpt',
  } as const
  observe({ ...ended, ms: 1500, error: null, usage, unclear: null })
  observe({ ...ended, ms: 500, error: 'RATE_LIMITED', usage: null, unclear: null })
  observe({ type: 'turn-written', ...about, ms: 2000 })
  expect(await metrics()).toEqual([
    'bzzz_agent_turns_total{end="written"} 1',
    'bzzz_agent_turn_seconds_sum{phase="vote"} 2',
    'bzzz_agent_turn_seconds_count{phase="vote"} 1',
    'bzzz_model_call_seconds_sum{model="gpt",end="reply"} 1.5',
    'bzzz_model_call_seconds_count{model="gpt",end="reply"} 1',
    'bzzz_model_call_seconds_sum{model="gpt",end="failure"} 0.5',
    'bzzz_model_call_seconds_count{model="gpt",end="failure"} 1',
    'bzzz_model_tokens_total{model="gpt",direction="input"} 700',
    'bzzz_model_tokens_total{model="gpt",direction="output"} 30',
  ])
})

it('warns of usage that contradicts itself, once for a while', () => {
  const { instruments, lines } = instrumentsUnderTest()
  const observe = observeAgents(instruments)
  const call = { call: 'call' as CallId, turn: about.turn, agent: about.agent, model: 'gpt', ms: 1, error: null }
  for (const _ of [1, 2]) observe({ type: 'call-ended', ...call, usage: null, unclear: 'total_tokens is 7' })
  const warnings = lines.filter(({ level }) => level === 'warn')
  expect(warnings).toMatchObject([{ model: 'gpt', unclear: 'total_tokens is 7' }])
})
