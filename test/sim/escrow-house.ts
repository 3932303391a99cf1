import { type Answer, BudgetError, type GrantRequest, type Rules, SHIPPED_RULES, verifyLedger } from '@bzzz/budget'
import type { Account, OpenedManifest, ThreadCap, ThreadId } from '@bzzz/protocols'
import { guardState } from '@bzzz/store'
import { placeCall } from './callers.ts'
import { createDisk, type Disk } from './disk.ts'
import { type EscrowProcess, openProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import { createMark } from './mark.ts'
import type { Mutant } from './mutants.ts'
import type { Owner } from './owner.ts'
import { nodeSigner } from './people.ts'
import type { Order } from './plan.ts'
import type { Stop, World } from './world.ts'

export interface HouseTerms {
  readonly world: World
  readonly index: number
  readonly mutant: Mutant
  readonly first: OpenedManifest
  /** The mesh's owner is at the first node. */
  readonly owner: Pick<Owner, 'hearAck' | 'change'>
  readonly thread: { readonly id: ThreadId; readonly cap: ThreadCap }
  /** All of the mesh, this one too. */
  readonly houses: readonly EscrowHouse[]
  /** With the ledger that was made at the founding. */
  readonly disk: ReadonlyMap<string, Uint8Array>
  readonly randomBytes: (length: number) => Uint8Array
}

const ASK_MS = 4_000
const SLOTS_MS = 2 * 3_600_000
const REPAIR_MS = 600_000
const ADOPTION_MS = 3 * 3_600_000

export function createEscrowHouse(terms: HouseTerms): EscrowHouse {
  const { world, index, mutant, houses, owner, thread } = terms
  const { clockwork, network, oracle, figures, plan } = world
  const rules: Rules = { ...SHIPPED_RULES, ...mutant.rules }
  const random = world.random.fork()
  const signer = nodeSigner(index)
  let clockMs = plan.clocks[index] ?? 0
  let kept = terms.disk
  // The membership's own room: it outlives the ledger here.
  let newest = terms.first
  let isRemoved = false
  let disk: Disk | undefined
  let process: EscrowProcess | undefined
  const mark = createMark()
  let backup: ReadonlyMap<string, Uint8Array> = terms.disk

  const nowMs = (): number => Math.floor(clockwork.nowMs + clockMs)
  const syncMs = (): number => 2 + random.exponential(6) + (random.chance(0.01) ? random.exponential(10_000) : 0)
  const trace = (words: string): void => world.trace(() => `node ${index} ${words}`)

  function start(): void {
    const isMember = newest.manifest.members.some(({ peer }) => peer === signer.peer)
    if (disk !== undefined || isRemoved || !isMember) return
    const ownDisk = createDisk(kept, clockwork.after, syncMs)
    disk = ownDisk
    const open = async (): Promise<void> => {
      const opened = await openProcess({
        ...{
          world,
          disk: ownDisk,
          marker: mutant.trustsOldLedgers === true ? undefined : mark,
          signer,
          rules,
          manifest: () => newest,
          nowMs,
          randomBytes: terms.randomBytes,
          heard,
          onFrozen,
        },
        ask: (donor, request) => ask(opened, donor, request),
      })
      if (disk !== ownDisk) return
      process = opened
      await opened.budget.openThread(thread.id, thread.cap)
      trace(`runs as ${opened.budget.account.incarnation.slice(0, 8)}`)
      for (const to of houses.keys()) greetBoth(to)
      tellSlots(opened)
      tellAck()
      beAdopted(opened)
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
      stopNow({ fate: 'kept', landed: false, clockMs, downMs: 60_000 })
    })
  }

  function tellSlots(of: EscrowProcess): void {
    of.after(random.exponential(SLOTS_MS), () => {
      tellAck()
      if (index === 0) spread()
      of.tellSlots().then(() => tellSlots(of), ended)
    })
  }

  /** The operator tells the owner of a new ledger, after a while. */
  function beAdopted(of: EscrowProcess): void {
    const { account } = of.budget
    if (newest.manifest.weights.some((entry) => entry.account.incarnation === account.incarnation)) return
    of.after(random.exponential(ADOPTION_MS), () => {
      if (houses[0]?.isUp !== true || !owner.change({ kind: 'adopt', account })) beAdopted(of)
    })
  }

  function hearManifest(next: OpenedManifest): void {
    if (next.manifest.version <= newest.manifest.version) return
    newest = next
    tellAck()
  }

  function tellAck(): void {
    process?.acknowledge().then((ack) => {
      if (ack === undefined) return
      if (index === 0) owner.hearAck(ack)
      else network.send(index, 0, () => houses[0]?.isUp === true && owner.hearAck(ack))
    }, ended)
  }

  function spread(): void {
    for (const to of houses.keys()) passOn(to)
  }

  function passOn(to: number): void {
    const told = newest
    if (process !== undefined && to !== index) network.send(index, to, () => houses[to]?.hearManifest(told))
  }

  function heard() {
    return houses.flatMap(({ process: other }, from) => {
      return other === undefined || from === index || !network.reaches(from, index) ? [] : [other.card()]
    })
  }

  function ask(asker: EscrowProcess, donor: Account, request: GrantRequest): Promise<Answer | undefined> {
    const to = houses.findIndex((house) => house.process?.budget.account.peer === donor.peer)
    const other = houses[to]
    figures.messages += 1
    return new Promise((resolve) => {
      let isOver = false
      const arrived = (answer: Answer): void => {
        if (!isOver && asker.isAlive) resolve(answer)
        // Too late, or twice: what was granted is credited all the same.
        else if (answer.granting.status === 'granted') take(answer.granting.grants)
        isOver = true
      }
      network.send(index, to, () => {
        const asked = other?.process?.asked(request)
        asked?.then((answer) => {
          figures.messages += 1
          network.send(to, index, () => arrived(answer))
        }, ended)
      })
      asker.after(ASK_MS, () => {
        isOver = true
        resolve(undefined)
      })
    })
  }

  function take(grants: readonly Uint8Array[]): void {
    process?.take(grants).catch(ended)
  }

  /** Own grants to another, as on each new link. */
  function greet(to: number): void {
    const other = houses[to]
    passOn(to)
    if (to === 0) tellAck()
    if (process === undefined || other?.process === undefined || to === index) return
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
    process?.kill()
    process = undefined
    const left = disk.cut(landed)
    disk = undefined
    clockMs = nextMs
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
    receive: take,
    hearManifest,
    remove() {
      isRemoved = true
      stopNow({ fate: 'lost', landed: false, clockMs, downMs: 0 })
    },
    fillDisk: () => disk?.failWrites(),
    backUp() {
      if (disk !== undefined) backup = new Map(disk.synced)
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
