import { equalBytes } from '@bzzz/protocols'

export interface Violation {
  readonly kind: /** More was billed than a limit allows. */
    | 'over'
    | 'billed-twice'
    /** An account signed two things under one number. */
    | 'signed-twice'
    /** Something left a node before its disk had it. */
    | 'told-too-early'
    /** The node found itself that a rule was broken, and stopped. */
    | 'assertion'
    /** Two machines, or an older one, go on with one account although somebody has seen both. */
    | 'unstopped'
    /** An account was stopped that nobody uses twice. */
    | 'false-alarm'
    /** A wrong clock was gone by, or a right one was not. */
    | 'clock'
    /** A ledger is not what its records add up to. */
    | 'ledger'
    /** What the simulation did not foresee. */
    | 'broken'
  readonly atMs: number
  readonly words: string
}

/** One request that a provider answered and billed. */
export interface Bill {
  readonly call: string
  readonly amount: bigint
  /** What was billed above the bound of the call: nobody can hold that, and no limit is promised to. */
  readonly overrun: bigint
  /** By true time and by the node's own clock: day and month, each once; the agent's day, and the thread if it has a cap. */
  readonly labels: readonly Label[]
}

export interface Label {
  readonly name: string
  readonly limit: bigint
  /** What accounts in use twice may have besides. */
  readonly extra?: bigint
}

/** Sees what providers bill and what nodes show each other, and nothing of what they think. */
export interface Oracle {
  readonly violations: readonly Violation[]
  /** By how much a limit was exceeded at most, as a part of it. */
  readonly worstOver: number
  /** The same, as far as accounts in use twice may have had it. */
  readonly worstByTwin: number
  /** All that providers billed above bounds. */
  readonly overruns: bigint
  bill(bill: Bill): void
  billed(label: string): bigint
  /** Something signed has left its account. */
  sighted(account: string, seq: number, bytes: Uint8Array): void
  /** Two ledgers go on with it: it signs two things under one number. */
  excuse(account: string): void
  note(kind: Violation['kind'], words: string): void
}

// The first few of a kind tell what went wrong.
const MAX_OF_A_KIND = 5

export function createOracle(now: () => number): Oracle {
  const violations: Violation[] = []
  const sums = new Map<string, bigint>()
  const calls = new Set<string>()
  const signed = new Map<string, Uint8Array>()
  let worstOver = 0
  let worstByTwin = 0
  let overruns = 0n
  const doubles = new Set<string>()

  function note(kind: Violation['kind'], words: string): void {
    const known = violations.filter((violation) => violation.kind === kind)
    if (known.length < MAX_OF_A_KIND) violations.push({ kind, atMs: now(), words })
  }

  return {
    violations,
    get worstOver() {
      return worstOver
    },
    get worstByTwin() {
      return worstByTwin
    },
    note,
    excuse: (account) => void doubles.add(account),
    billed: (label) => sums.get(label) ?? 0n,
    get overruns() {
      return overruns
    },
    bill({ call, amount, overrun, labels }) {
      overruns += overrun
      if (calls.has(call)) note('billed-twice', `call ${call.slice(0, 12)} reached the provider twice`)
      calls.add(call)
      for (const { name, limit, extra = 0n } of labels) {
        const sum = (sums.get(name) ?? 0n) + amount
        sums.set(name, sum)
        if (sum <= limit) continue
        const excess = sum - limit
        worstByTwin = Math.max(worstByTwin, Number(excess < extra ? excess : extra) / Number(limit))
        if (excess <= extra) continue
        worstOver = Math.max(worstOver, Number(excess - extra) / Number(limit))
        note('over', `${name}: ${sum} of ${limit} billed${extra === 0n ? '' : `, ${extra} by a twin`}`)
      }
    },
    sighted(account, seq, bytes) {
      if (doubles.has(account)) return
      const key = `${account} ${seq}`
      const before = signed.get(key)
      if (before === undefined) signed.set(key, bytes)
      else if (!equalBytes(before, bytes)) note('signed-twice', `${account} signed two things as number ${seq}`)
    },
  }
}
