import { BudgetError, type BudgetFact, type Rules, renewLedger, SHIPPED_RULES, verifyLedger } from '@bzzz/budget'
import { guardState } from '@bzzz/store'
import { askFor } from './asking.ts'
import { placeCall } from './callers.ts'
import { createDisk, type Disk } from './disk.ts'
import { type EscrowProcess, openProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import { believable, createHouseClock } from './house-clock.ts'
import type { HouseTerms } from './house-terms.ts'
import { createMark } from './mark.ts'
import { createOperator } from './operator.ts'
import { nodeSigner } from './people.ts'
import type { Order } from './plan.ts'
import { createTelling } from './telling.ts'
import { createWitness } from './witness.ts'
import { createWord } from './word.ts'
import type { Stop } from './world.ts'

/** Cards of others, with their clocks, come every few seconds. */
const HEARD_MS = 5_000
const SLOTS_MS = 2 * 3_600_000
const REPAIR_MS = 600_000

export function createEscrowHouse(terms: HouseTerms): EscrowHouse {
  const { world, index, peer, mutant, houses, owner, thread } = terms
  const { clockwork, network, oracle } = world
  const rules: Rules = { ...SHIPPED_RULES, ...mutant.rules }
  const random = world.random.fork()
  const signer = nodeSigner(peer)
  const clock = createHouseClock(world, terms.clockMs)
  let kept = terms.disk
  let isRemoved = false
  let disk: Disk | undefined
  let process: EscrowProcess | undefined
  let renews = false
  let mark = createMark(terms.mark)
  let ledger = `${index}`
  let backup: ReadonlyMap<string, Uint8Array> = terms.disk

  const syncMs = (): number => 2 + random.exponential(6) + (random.chance(0.01) ? random.exponential(10_000) : 0)
  const trace = (words: string): void => world.trace(() => `node ${index} ${words}`)

  function start(): void {
    const { members } = word.newest.manifest
    if (disk !== undefined || isRemoved || !members.some((one) => one.peer === signer.peer)) return
    const ownDisk = createDisk(kept, clockwork.after, syncMs)
    disk = ownDisk
    const open = async (): Promise<void> => {
      const tools = { now: clock.nowMs, randomBytes: terms.randomBytes }
      if (renews) await renewLedger(guardState(ownDisk.level).room('budget'), 'renewed', tools)
      renews = false
      const opened = await openProcess({
        ...{
          world,
          disk: ownDisk,
          marker: mutant.trustsOldLedgers === true ? undefined : mark,
          signer,
          rules,
          manifest: () => word.newest,
          clock,
          believesItsClock: mutant.believesItsClock === true,
          randomBytes: terms.randomBytes,
          heard,
          onFrozen,
          onFact,
          onCredited: witness.onCredited,
        },
        ask: (donor, request) => askFor({ world, index, houses, asker: opened, take, ended }, donor, request),
      })
      if (disk !== ownDisk) return
      process = opened
      witness.begin(opened.budget.account, ledger)
      await opened.budget.openThread(thread.id, thread.cap)
      trace(`runs as ${opened.budget.account.incarnation.slice(0, 8)}`)
      for (const to of houses.keys()) greetBoth(to)
      tellSlots(opened)
      word.tellAck()
      operator.adopt(opened)
      operator.look(opened)
      telling.begin(opened)
    }
    open().catch(ended)
  }

  /** A budget that is frozen refuses everything; what else is thrown was not foreseen. */
  function ended(cause: unknown): void {
    if (!(cause instanceof BudgetError))
      oracle.note('broken', cause instanceof Error ? String(cause.stack) : String(cause))
  }

  function onFrozen(cause: unknown): void {
    trace(`is frozen: ${String(cause)}`)
    if (cause instanceof BudgetError) oracle.note('assertion', cause.message)
    process?.after(REPAIR_MS, () => {
      stopNow({ fate: 'kept', landed: false, clockMs: clock.aheadMs, downMs: 60_000 })
    })
  }

  const operator = createOperator({
    ...{ random, houses, owner, newest: () => word.newest, isCopy: index !== peer, remove },
    restart(next) {
      renews = next
      stopNow({ fate: 'kept', landed: false, clockMs: clock.aheadMs, downMs: 60_000 })
    },
  })
  const word = createWord({ world, index, first: terms.first, owner, houses, process: () => process, ended })
  const telling = createTelling({ world, index, mutant, houses, process: () => process, ended })

  const witness = createWitness(world, index)

  function onFact(fact: BudgetFact): void {
    witness.onFact(fact)
    const isStop = fact.type === 'outrun' || (fact.type === 'forked' && fact.own)
    if (isStop && process !== undefined) operator.look(process)
    telling.onFact(fact)
  }

  function remove(): void {
    isRemoved = true
    stopNow({ fate: 'lost', landed: false, clockMs: clock.aheadMs, downMs: 0 })
  }

  function tellSlots(of: EscrowProcess): void {
    of.after(random.exponential(SLOTS_MS), () => {
      of.hearTime()
      word.tellAck()
      if (index === 0) word.spread()
      of.tellSlots().then((slot) => {
        telling.tellOwn(slot)
        tellSlots(of)
      }, ended)
    })
  }

  function heard() {
    return houses.flatMap(({ process: other }, from) => {
      return other === undefined || houses[from]?.peer === peer || !network.reaches(from, index) ? [] : [other.card()]
    })
  }

  function take(grants: readonly Uint8Array[]): void {
    process?.take(grants).catch(ended)
  }

  /** Own grants to another, as on each new link. */
  function greet(to: number): void {
    const other = houses[to]
    word.passOn(to)
    if (to === 0) word.tellAck()
    if (process === undefined || other?.process === undefined || to === index) return
    if (houses[to]?.peer === peer) return
    telling.greet(to)
    const grants = process.grantsTo(other.process.budget.account)
    if (grants.length > 0) network.send(index, to, () => houses[to]?.receive(grants))
  }

  function greetBoth(to: number): void {
    greet(to)
    houses[to]?.greet(index)
  }

  function stopNow({ fate, landed, clockMs: nextMs, downMs }: Omit<Stop, 'amidWrite'>): void {
    if (disk === undefined) return
    trace(`stops, its disk is ${fate}`)
    const hasOpened = process?.hasOpened() ?? false
    process?.kill()
    process = undefined
    const left = disk.cut(landed)
    disk = undefined
    clock.set(believable(nextMs, hasOpened))
    const lost = mutant.sameAccountAgain === true ? terms.disk : new Map<string, Uint8Array>()
    kept = fate === 'kept' ? left : fate === 'rolled-back' ? backup : lost
    if (fate === 'lost') mark.lose(landed)
    // A ledger that is put back is older than what the cut took from the mark: moments are not in its reach (docs/budget.md).
    if (!landed && fate === 'kept') mark.lag()
    backup = kept
    clockwork.after(downMs, start)
  }

  return {
    get isUp() {
      return process !== undefined
    },
    get process() {
      return process
    },
    place(order: Order) {
      if (process !== undefined)
        placeCall({ world, process, mutant, thread: thread.id, order, houses, index }).catch(ended)
    },
    stop(how) {
      const running = disk
      if (running === undefined) return
      if (how.amidWrite) running.duringNextWrite(() => disk === running && stopNow(how))
      else stopNow(how)
    },
    start,
    greet,
    nowMs: clock.nowMs,
    receive: take,
    hearManifest: word.hear,
    remove,
    peer,
    get told() {
      return telling.told
    },
    hear: telling.hear,
    image() {
      if (disk === undefined || process === undefined) return undefined
      const { budget, unspent } = process
      return {
        account: budget.account,
        disk: new Map(disk.synced),
        mark: mark.now,
        newest: word.newest,
        unspent: unspent(),
      }
    },
    setClock(aheadMs) {
      trace(`has a clock that is ${(aheadMs / 86_400_000).toFixed(2)} days ahead`)
      clock.set(believable(aheadMs, process?.hasOpened() ?? false))
      process?.after(HEARD_MS, () => process?.hearTime())
    },
    fillDisk: () => disk?.failWrites(),
    backUp() {
      if (disk !== undefined) backup = new Map(disk.synced)
    },
    putBack({ disk: older, mark: olderMark }, downMs) {
      stopNow({ fate: 'kept', landed: false, clockMs: clock.aheadMs, downMs })
      trace('is put back, with its mark')
      kept = older
      backup = older
      mark = createMark(olderMark)
      ledger = `${index} again`
      telling.forget()
    },
    async verify() {
      try {
        await verifyLedger(
          guardState(createDisk(disk?.cut(false) ?? kept, clockwork.after, () => 0).level).room('budget'),
        )
      } catch (cause) {
        if (!(cause instanceof BudgetError)) throw cause
        oracle.note('ledger', `node ${index}: ${cause.message}`)
      }
    },
  }
}
