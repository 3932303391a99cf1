import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account, CallId, OpenedManifest, PeerId } from '@bzzz/protocols'
import { expect, vi } from 'vitest'
import { type Measured, measure } from '../bench/processes.ts'
import { freePorts } from './free-ports.ts'
import { type Gate, openGate } from './gate.ts'
import type { HomeVerbs } from './home-process.ts'
import { foundingManifest, seedOf } from './manifest.ts'
import { openTill, type Till } from './till.ts'

/** One of three processes, with what it takes to start it again. */
export interface Spender {
  readonly label: string
  readonly peer: PeerId
  readonly account: Account
  readonly ask: Measured<HomeVerbs>['ask']
  kill(): Promise<void>
  /** In the same directory. */
  start(): Promise<void>
}

/** Three real processes that share a limit, the network between them, and the provider that bills them. */
export interface Trio {
  readonly till: Till
  readonly manifest: OpenedManifest
  readonly spenders: readonly Spender[]
  /** Has a ledger, and is no member yet. */
  newcomer(): Spender
  /** By the clock of all processes. */
  now(): number
  /** All processes end in order, and those named start again when a day has passed. */
  nextDay(labels: readonly string[]): Promise<void>
  /** Nobody reaches one of these, nor does one of these reach anybody. */
  cutOff(labels: readonly string[], how: 'reset' | 'silent'): void
  heal(): void
  /** Resolves once all of these are linked. @param labels the three that founded the mesh */
  whole(labels?: readonly string[]): Promise<void>
  close(): Promise<void>
}

export const LABELS = ['walnut', 'ironwood', 'acacia'] as const
export const NEWCOMER = 'juniper'
/** Holds the owner's key. */
const [OWNER] = LABELS
const DAY_MS = 86_400_000
const PATIENCE = { timeout: 30_000, interval: 50 }

/** @param labels of those that have a ledger: the three founders, and the newcomer where one is wanted */
export async function openTrio(dailyUsd: number, labels: readonly string[] = LABELS): Promise<Trio> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-billing-'))
  // Noon by all clocks, so that no day ends meanwhile.
  let aheadMs = DAY_MS / 2 - (Date.now() % DAY_MS)
  const till = await openTill()
  const ports = await freePorts(labels.length)
  const places = labels.map((label, index) => ({ label, seed: seedOf(label), port: ports[index] ?? 0 }))
  const gates = new Map<string, Gate>()
  for (const from of labels) {
    for (const { label, port } of places) if (label !== from) gates.set(`${from}>${label}`, await openGate(port))
  }
  const processes = new Map<string, Measured<HomeVerbs>>()
  const begin = (label: string, port: number): Measured<HomeVerbs> => {
    const args = [join(directory, label), seedOf(label).toString('hex'), String(port), String(aheadMs)]
    const begun = measure<HomeVerbs>(new URL('./home-process.ts', import.meta.url), args)
    processes.set(label, begun)
    return begun
  }
  const accounts = new Map(
    await Promise.all(
      places.map(async ({ label, port }): Promise<[string, Account]> => {
        await mkdir(join(directory, label), { recursive: true })
        return [label, await begin(label, port).ask('account')]
      }),
    ),
  )
  const founders = new Map([...accounts].filter(([label]) => label !== NEWCOMER))
  const manifest = foundingManifest(founders, dailyUsd, Date.now() + aheadMs)
  const addrsFrom = (from: string) =>
    Object.fromEntries(
      places.flatMap(({ label }): [string, string][] => {
        const gate = gates.get(`${from}>${label}`)
        return gate === undefined ? [] : [[accounts.get(label)?.peer ?? '', `/ip4/127.0.0.1/tcp/${gate.port}`]]
      }),
    )
  const running = (label: string): Measured<HomeVerbs> => {
    const found = processes.get(label)
    if (found === undefined) throw new RangeError(`${label} was never started`)
    return found
  }
  const open = (label: string) => {
    const ownerSeed = label === OWNER ? { ownerSeed: seedOf('owner') } : {}
    return running(label).ask('open', { manifest: manifest.bytes, addrs: addrsFrom(label), ...ownerSeed })
  }
  const all = places.map(({ label, port }): Spender => {
    const account = accounts.get(label)
    if (account === undefined) throw new RangeError(`${label} has no account`)
    return {
      ...{ label, account, peer: account.peer },
      ask: (verb, ...input) => running(label).ask(verb, ...input),
      kill: () => running(label).kill(),
      async start() {
        begin(label, port)
        await open(label)
      },
    }
  })
  const gatesOf = (labels: readonly string[]) =>
    [...gates].flatMap(([way, gate]) => (way.split('>').some((label) => labels.includes(label)) ? [gate] : []))

  const trio: Trio = {
    ...{ till, manifest, spenders: all.slice(0, LABELS.length) },
    newcomer() {
      const newcomer = all.find(({ label }) => label === NEWCOMER)
      if (newcomer === undefined) throw new RangeError('there is no newcomer')
      return newcomer
    },
    now: () => Date.now() + aheadMs,
    async nextDay(labels) {
      await Promise.all([...processes.values()].map((one) => one.close()))
      aheadMs += DAY_MS
      await Promise.all(all.filter(({ label }) => labels.includes(label)).map((one) => one.start()))
    },
    cutOff(labels, how) {
      for (const gate of gatesOf(labels)) gate.shut(how)
    },
    heal() {
      for (const gate of gates.values()) gate.open()
    },
    async whole(labels = LABELS) {
      const meant = all.filter(({ label }) => labels.includes(label))
      const linked = () => Promise.all(meant.map((spender) => spender.ask('linked')))
      await vi.waitFor(async () => expect(await linked()).toEqual(meant.map(() => meant.length - 1)), PATIENCE)
    },
    async close() {
      await Promise.all([...processes.values()].map((one) => one.kill()))
      await Promise.all([...gates.values()].map((gate) => gate.close()))
      await till.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all(LABELS.map((label) => open(label)))
    await trio.whole()
    return trio
  } catch (error) {
    await trio.close()
    throw error
  }
}

/** What the provider's journal says about all uncertain calls, told to the nodes that hold for them. */
export async function settleFromJournal({ spenders, till }: Pick<Trio, 'spenders' | 'till'>): Promise<void> {
  for (const spender of spenders) {
    const { uncertain } = await spender.ask('standing')
    const bills = uncertain.map(({ call }) => [call, till.journal.get(call)?.amount ?? 0n] as [CallId, bigint])
    await spender.ask('settle', bills)
  }
}
