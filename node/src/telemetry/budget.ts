import type { Budget, BudgetFact } from '@bzzz/budget'
import { dayPeriod, monthPeriod, usdOf } from '@bzzz/protocols'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { WiresFact } from '../budget/wires.ts'
import { DISK_SECONDS, dispatch, type FactHandlers, type Instruments } from './instruments.ts'

/** Metrics and log lines of the budget. Dollars here are for charts; what is admitted is counted in nano-dollars. */
export function observeBudget(instruments: Instruments): (fact: BudgetFact) => void {
  return dispatch<BudgetFact>({
    ...callHandlers(instruments),
    ...refusalHandlers(instruments),
    ...ledgerHandlers(instruments),
    ...movedHandlers(instruments),
    ...warningHandlers(instruments),
  })
}

/** This node's part of the running day and month, read when somebody asks. */
export function gaugeBudget(
  registry: Instruments['registry'],
  budget: Pick<Budget, 'report'>,
  now: () => number,
): void {
  const parts = {
    initial: 'has the right to spend',
    spent: 'settled',
    held: 'holds',
    available: 'may still spend',
  } as const
  for (const [part, words] of Object.entries(parts) as [keyof typeof parts, string][]) {
    new Gauge({
      name: `bzzz_budget_${part}_usd`,
      help: `What this node ${words} in the running UTC day and month.`,
      labelNames: ['period'],
      registers: [registry],
      collect() {
        for (const line of budget.report().periods) {
          if (line.period === dayPeriod(now())) this.set({ period: 'day' }, usdOf(line[part]))
          if (line.period === monthPeriod(now())) this.set({ period: 'month' }, usdOf(line[part]))
        }
      },
    })
  }
}

type Handlers<T extends BudgetFact['type']> = Pick<FactHandlers<BudgetFact>, T>

function callHandlers({
  registry,
  log,
}: Instruments): Handlers<'reserved' | 'sent' | 'settled' | 'uncertain' | 'released' | 'overrun'> {
  const registers = [registry]
  const calls = new Counter({
    name: 'bzzz_budget_calls_total',
    help: 'Steps of model calls in the ledger. Refused calls are not in it: see bzzz_budget_refused_total.',
    labelNames: ['step', 'simulated'],
    registers,
  })
  const settled = new Counter({
    name: 'bzzz_budget_settled_usd_total',
    help: 'Dollars of settled calls since the start of the process. Holds of calls without an outcome do not count.',
    labelNames: ['model', 'simulated'],
    registers,
  })
  const unproven = new Counter({
    name: 'bzzz_budget_unproven_total',
    help: 'Settled calls charged at their whole hold, because no usage came (none) or one that contradicts itself (unclear).',
    labelNames: ['model', 'evidence'],
    registers,
  })

  function step(fact: { readonly type: string; readonly simulated: boolean }): void {
    calls.inc({ step: fact.type, simulated: String(fact.simulated) })
  }

  return {
    reserved: step,
    sent: step,
    settled(fact) {
      step(fact)
      const { call, agent, model, simulated, amount, evidence } = fact
      settled.inc({ model, simulated: String(simulated) }, usdOf(amount))
      if (evidence === 'none' || evidence === 'unclear') unproven.inc({ model, evidence })
      log.info({ call, agent, model, simulated, cost_usd: usdOf(amount), evidence }, 'call settled')
    },
    uncertain(fact) {
      step(fact)
      log.warn({ call: fact.call, agent: fact.agent, held_usd: usdOf(fact.max), reason: fact.reason }, 'call uncertain')
    },
    released(fact) {
      step(fact)
      log.debug({ call: fact.call, agent: fact.agent, reason: fact.reason }, 'call released')
    },
    overrun(fact) {
      step(fact)
      const { call, model, amount, max } = fact
      log.error({ call, model, billed_usd: usdOf(amount), held_usd: usdOf(max) }, 'billed above the hold: model frozen')
    },
  }
}

function refusalHandlers({ registry, warnRarely }: Instruments): Handlers<'refused'> {
  const refused = new Counter({
    name: 'bzzz_budget_refused_total',
    help: 'Model calls that were not admitted, by the limit that forbade it. Each retry of a paused turn counts.',
    labelNames: ['by'],
    registers: [registry],
  })
  return {
    refused({ by, agent, model, reason }) {
      refused.inc({ by })
      warnRarely(`budget/${by}/${agent}`, { by, agent, model, reason }, 'call refused by the budget')
    },
  }
}

function ledgerHandlers({ registry, log }: Instruments): Handlers<'acknowledged' | 'written' | 'opened' | 'recovered'> {
  const seconds = new Histogram({
    name: 'bzzz_ledger_append_seconds',
    help: 'Writing one synced batch of the ledger. A batch may hold many records.',
    buckets: DISK_SECONDS,
    registers: [registry],
  })
  const records = new Counter({
    name: 'bzzz_ledger_records_total',
    help: 'Records synced to the ledger since the start of the process.',
    registers: [registry],
  })
  return {
    acknowledged: ({ version }) =>
      log.info({ version }, 'periods are opened by this version of the manifest from now on'),
    written({ records: count, elapsedMs }) {
      seconds.observe(elapsedMs / 1000)
      records.inc(count)
    },
    opened: ({ period, initial }) => log.info({ period, initial_usd: usdOf(initial) }, 'period opened'),
    recovered: ({ calls }) => log.warn({ calls }, 'calls of an earlier run are uncertain, each at its whole hold'),
  }
}

function movedHandlers({
  registry,
  log,
  warnRarely,
}: Instruments): Handlers<
  'minted' | 'granted' | 'credited' | 'grant-refused' | 'credit-refused' | 'fork-refused' | 'forked'
> {
  const registers = [registry]
  const moved = new Counter({
    name: 'bzzz_budget_moved_usd_total',
    help: 'Dollars of rights that came and went since the start of the process, in each of the periods they are for.',
    labelNames: ['way'],
    registers,
  })
  const refused = new Counter({
    name: 'bzzz_budget_moves_refused_total',
    help: 'Requests for rights that got none, grants that were not booked, and proofs that were none, by the reason.',
    labelNames: ['way', 'code'],
    registers,
  })
  return {
    minted({ period, amount }) {
      moved.inc({ way: 'minted' }, usdOf(amount))
      log.info({ period, amount_usd: usdOf(amount) }, 'rights of the manifest')
    },
    granted({ period, to, amount }) {
      moved.inc({ way: 'granted' }, usdOf(amount))
      log.info({ period, to: to.peer, amount_usd: usdOf(amount) }, 'rights given')
    },
    credited({ period, from, amount }) {
      moved.inc({ way: 'credited' }, usdOf(amount))
      log.info({ period, from: from.peer, amount_usd: usdOf(amount) }, 'rights received')
    },
    'grant-refused'({ to, code, reason }) {
      refused.inc({ way: 'granted', code })
      log.debug({ to: to.peer, code, reason }, 'no rights given')
    },
    'fork-refused'({ code, reason }) {
      refused.inc({ way: 'forked', code })
      warnRarely(`fork/${code}`, { code, reason }, 'no proof that an account is in use twice')
    },
    'credit-refused'({ code, reason }) {
      refused.inc({ way: 'credited', code })
      warnRarely(`credit/${code}`, { code, reason }, 'a grant was not booked')
    },
    forked({ account, own }) {
      const words = own
        ? 'a copy of this node signs for its account: no model call is made; "bzzz budget show" says what to do'
        : 'an account is in use twice: nothing more is credited from it'
      log.error({ peer: account.peer, incarnation: account.incarnation }, words)
    },
  }
}

const ledgerEnds = {
  'put-back': 'the ledger is older than ledger.mark says, so it was put back and what it allows was spent',
  outrun: 'the ledger was older than what its account has signed',
  lost: 'the ledger is gone',
  renewed: 'the ledger was given up',
} as const

function warningHandlers({
  log,
}: Instruments): Handlers<
  'price-table-differs' | 'clock-disagrees' | 'frozen' | 'ledger-begun' | 'outrun' | 'mark-missing'
> {
  return {
    'ledger-begun': ({ account, before, why }) =>
      log.error(
        { account, before, why },
        `${ledgerEnds[why]}: a new ledger was begun, and its account is to be adopted`,
      ),
    outrun: ({ account, number }) =>
      log.error(
        { account, number },
        'this ledger is older than what its account has signed, so no model call is made; "bzzz budget show" says what to do',
      ),
    'mark-missing': () =>
      log.warn(
        'ledger.mark is missing or cannot be read: it was made anew; an older ledger put back is not noticed here',
      ),
    'price-table-differs': ({ own, manifest }) =>
      log.warn({ own, manifest }, 'the price table is not the one that the manifest names'),
    'clock-disagrees': ({ differenceMs }) =>
      log.warn({ differenceMs }, 'a clock disagrees by more than the mesh allows'),
    frozen: ({ cause }) => log.error({ err: cause }, 'no model call is made until the node is restarted'),
  }
}

/** Metrics and log lines of what is asked of other nodes. */
export function observeWires({ registry, log, warnRarely }: Instruments): (fact: WiresFact) => void {
  const searches = new Histogram({
    name: 'bzzz_budget_search_seconds',
    help: 'Searches for rights at other nodes in which at least one was asked, by how they ended.',
    labelNames: ['end'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  })
  return dispatch<WiresFact>({
    'rights-sought'({ end, seconds }) {
      searches.observe({ end }, seconds)
      log.debug({ end, seconds }, 'rights sought')
    },
    'seeking-failed': ({ error }) => warnRarely('seeking', { err: error }, 'rights of other nodes were not taken'),
    'slots-not-told': ({ peer, error }) => warnRarely('slots', { peer, err: error }, 'own sums were not told'),
  })
}
