import type { AgentFact } from '@bzzz/agents'
import { Counter, Histogram } from 'prom-client'
import { dispatch, type FactHandlers, type Instruments, MODEL_SECONDS } from './instruments.ts'

/** Metrics and log lines of this node's agents. */
export function observeAgents(instruments: Instruments): (fact: AgentFact) => void {
  const { log } = instruments
  return dispatch<AgentFact>({
    ...turnHandlers(instruments),
    ...callHandlers(instruments),
    'duty-done': ({ thread, duty }) => log.info({ thread, duty }, `${duty} written`),
    'thread-failed': ({ thread, error }) => log.error({ thread, err: error }, 'a thread could not be looked at'),
  })
}

type Handlers<T extends AgentFact['type']> = Pick<FactHandlers<AgentFact>, T>

function turnHandlers({
  registry,
  log,
}: Instruments): Handlers<'turn-begun' | 'turn-written' | 'turn-paused' | 'turn-unavailable' | 'turn-postponed'> {
  const turns = new Counter({
    name: 'bzzz_agent_turns_total',
    help: 'Turns of own agents by what became of them. A pause counts once per note in the thread, not per retry.',
    labelNames: ['end'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'bzzz_agent_turn_seconds',
    help: 'From the begin of a turn to its entry in the thread. Turns without an entry do not count.',
    labelNames: ['phase'],
    buckets: MODEL_SECONDS,
    registers: [registry],
  })
  return {
    'turn-begun': ({ turn, thread, agent, phase, round }) =>
      log.info({ turn, thread, agent, phase, round }, 'turn begun'),
    'turn-written'({ turn, thread, agent, phase, ms }) {
      turns.inc({ end: 'written' })
      seconds.observe({ phase }, ms / 1000)
      log.info({ turn, thread, agent, phase, ms }, 'turn written')
    },
    'turn-paused'({ turn, thread, agent, by, reason }) {
      turns.inc({ end: 'paused' })
      log.warn({ turn, thread, agent, by, reason }, 'turn paused by the budget')
    },
    'turn-unavailable'({ turn, thread, agent, reason }) {
      turns.inc({ end: 'unavailable' })
      log.warn({ turn, thread, agent, reason }, 'turn given up')
    },
    'turn-postponed'({ turn, thread, agent, error }) {
      turns.inc({ end: 'postponed' })
      log.warn({ turn, thread, agent, err: error }, 'turn postponed')
    },
  }
}

function callHandlers({ registry, log, warnRarely }: Instruments): Handlers<'call-ended'> {
  const seconds = new Histogram({
    name: 'bzzz_model_call_seconds',
    help: 'One request to a provider, to its last token or its failure. Waiting for the budget is not in it.',
    labelNames: ['model', 'end'],
    buckets: MODEL_SECONDS,
    registers: [registry],
  })
  const tokens = new Counter({
    name: 'bzzz_model_tokens_total',
    help: 'Tokens that providers told. Requests without usage do not count.',
    labelNames: ['model', 'direction'],
    registers: [registry],
  })
  return {
    'call-ended'({ call, turn, agent, model, ms, error, usage, unclear }) {
      seconds.observe({ model, end: error === null ? 'reply' : 'failure' }, ms / 1000)
      tokens.inc({ model, direction: 'input' }, usage?.input ?? 0)
      tokens.inc({ model, direction: 'output' }, usage?.output ?? 0)
      log[error === null ? 'debug' : 'warn']({ call, turn, agent, model, ms, error }, 'model call ended')
      if (unclear !== null) {
        warnRarely(
          `usage/${model}`,
          { call, agent, model, unclear },
          "a provider's usage is unclear: its whole hold is charged",
        )
      }
    },
  }
}
