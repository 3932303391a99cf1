import type { OpenedManifest } from '@bzzz/protocols'
import { openSlot, type Slot } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { beforeEach, expect, test } from 'vitest'
import { type ClosedSlots, openClosedSlots } from '../../src/counter/closed-slots.ts'
import { openSharedCounter } from '../../src/counter/shared-counter.ts'
import {
  acacia,
  day,
  ironwood,
  manifestOfThree,
  month,
  NOW,
  recordMesh,
  slotBudget,
  slotOf,
} from './budget-and-mesh.ts'

const DAY_MS = 86_400_000
let manifest: OpenedManifest
let rows: Map<string, Uint8Array>

beforeEach(async () => {
  manifest = await manifestOfThree()
  rows = new Map()
})

const room: Pick<Room, 'entries' | 'write'> = {
  async *entries() {
    yield* rows
  },
  write: async (operations: readonly Operation[]) => {
    for (const one of operations) {
      if ('put' in one) rows.set(one.put, one.value)
      else rows.delete(one.del)
    }
  },
}

function open(nowMs = NOW): Promise<ClosedSlots> {
  const onError = (error: unknown) => expect.unreachable(String(error))
  return openClosedSlots({ room, mesh: manifest.mesh, now: () => nowMs, onError })
}

function counterOf(closed: ClosedSlots, known = manifest) {
  const mesh = recordMesh()
  mesh.reachable = false
  return openSharedCounter({ budget: slotBudget(), mesh, manifest: () => known, closed, now: () => NOW, lookMs: 100 })
}

function keep(closed: ClosedSlots, { bytes }: { bytes: Uint8Array }): void {
  closed.keep(openSlot(bytes, manifest.mesh), bytes)
}

const last = (more: Partial<Slot> = {}, period = day) =>
  slotOf(manifest, ironwood, period, '2', { state: 'closed', ...more })

test('what a node that left has said last is told after a restart, though it is no member any more', async () => {
  const closed = await open()
  const before = counterOf(closed)
  before.hear(last().bytes)
  before.hear(slotOf(manifest, acacia, day, '1').bytes)
  await Promise.all([before.close(), closed.close()])
  const members = manifest.manifest.members.filter(({ peer }) => peer !== ironwood.peer)
  const after = counterOf(await open(), { ...manifest, manifest: { ...manifest.manifest, members } })
  const { byAccount } = await after.total(day, { signal: AbortSignal.timeout(1_000) })
  await after.close()
  expect(byAccount.filter(({ wallMs }) => wallMs === NOW).map(({ account, state }) => [account, state])).toContainEqual(
    [ironwood, 'closed'],
  )
  expect(byAccount.find(({ account }) => account.peer === acacia.peer)?.state).toBe(null)
})

test('the newest of an account and period is kept', async () => {
  const closed = await open()
  for (const seq of [5, 7, 6]) keep(closed, last({ seq }))
  await closed.close()
  expect((await open()).kept()).toEqual([last({ seq: 7 }).bytes].map((bytes) => Uint8Array.from(bytes)))
})

test('it is dropped when its period is over', async () => {
  const closed = await open()
  keep(closed, last())
  keep(closed, last({}, month))
  await closed.close()
  const nextDay = await open(NOW + 2 * DAY_MS)
  await nextDay.close()
  expect([nextDay.kept().length, rows.size]).toEqual([1, 1])
  const nextMonth = await open(NOW + 12 * DAY_MS)
  await nextMonth.close()
  expect([nextMonth.kept().length, rows.size]).toEqual([0, 0])
})

test('no more are kept than a mesh has use for', async () => {
  const closed = await open()
  const incarnations = Array.from({ length: 130 }, (_, i) => `${i}`.padStart(32, '0'))
  for (const incarnation of incarnations)
    keep(closed, last({ account: { ...ironwood, incarnation: incarnation as never } }))
  await closed.close()
  expect([closed.kept().length, rows.size]).toEqual([128, 128])
})
