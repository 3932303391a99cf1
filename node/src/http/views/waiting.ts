import type { Waiting } from '@bzzz/budget'
import { type PausedTurnView, usdOf, type WaitingCallView } from '@bzzz/protocols'
import type { PausedTurn } from '../ports.ts'
import { isoTime } from './names.ts'

export type WaitingCall = Waiting['calls'][number]

export function waitingView({
  call,
  turn,
  thread,
  agent,
  model,
  sinceMs,
  refusal,
  hopeful,
}: WaitingCall): WaitingCallView {
  const { by, reason, needed, lacks } = refusal
  return {
    ...{ call, turn, thread, agent, model, since: isoTime(sinceMs), by, reason },
    needed_usd: usdOf(needed),
    lacks: lacks.map(({ period, amount }) => ({ period, amount_usd: usdOf(amount) })),
    hopeful,
  }
}

export function pausedView({ turn, thread, agent, phase, round, sinceMs, reason }: PausedTurn): PausedTurnView {
  return { turn, thread, agent, phase, round, since: isoTime(sinceMs), reason: reason ?? '' }
}
