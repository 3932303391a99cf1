import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBookings } from './audit.ts'
import { formed, type MeshToKill, openMeshToKill } from './mesh-to-kill.ts'
import type { NodeToKill } from './node-to-kill.ts'
import { openReview, post, reportOf } from './review.ts'
import { expectNothingLost, ROOMS_AS_THEY_CLOSE } from './run.ts'

const PATIENCE = { timeout: 20_000, interval: 50 }
/** What a node that closes waits for its calls in hand. */
const CLOSE_PATIENCE_MS = 10_000

let mesh: MeshToKill
let acacia: NodeToKill
const written: { thread: string; acknowledged: string[] }[] = []

beforeAll(async () => {
  mesh = await openMeshToKill()
  acacia = mesh.node('acacia')
})

afterAll(() => mesh?.close())

const billsOfAcacia = () => mesh.billing.bills.filter(({ key }) => key === mesh.keyOf(acacia))

/** @returns once acacia waits for the reply of its first call, which is the newest one on its bill */
async function reviewUnderWay(): Promise<{ thread: string; call: string; answer: () => void }> {
  await formed(mesh)
  const before = billsOfAcacia().length
  const answer = mesh.billing.hold()
  const thread = await openReview(mesh.node('walnut'))
  await expect.poll(() => billsOfAcacia().length, PATIENCE).toBe(before + 1)
  written.push({ thread, acknowledged: [await post(acacia, thread, 'Going down soon.')] })
  return { thread, call: billsOfAcacia().at(-1)?.call ?? '', answer }
}

async function takesNoMore(node: NodeToKill, thread: string): Promise<void> {
  const asked = () =>
    reportOf(node, thread).then(
      () => 'answered',
      () => 'refused',
    )
  await expect.poll(asked, PATIENCE).toBe('refused')
}

async function decided(thread: string): Promise<void> {
  await expect.poll(async () => (await reportOf(mesh.node('walnut'), thread)).state, PATIENCE).toBe('changes_requested')
}

test('what comes while a node closes is booked and kept, and not asked for again', async () => {
  const { thread, call, answer } = await reviewUnderWay()
  const ended = acacia.terminate()
  await takesNoMore(acacia, thread)
  answer()
  expect(await ended).toEqual({ code: 0, closed: ROOMS_AS_THEY_CLOSE, stderr: '' })

  const [bill] = billsOfAcacia()
  const booking = (await readBookings(acacia.directory)).get(call)
  expect(booking).toMatchObject({ sent: true, state: 'settled', charged: bill?.amount })
  await acacia.start()
  await decided(thread)
  expect(await callsOfTurn(booking?.turn)).toMatchObject([{ call, state: 'settled' }])
})

test(
  'a call that is not answered in time is charged at its highest cost, and asked for anew after the restart',
  async () => {
    const { thread, call, answer } = await reviewUnderWay()
    expect(await acacia.terminate()).toEqual({ code: 0, closed: ROOMS_AS_THEY_CLOSE, stderr: '' })
    const booking = (await readBookings(acacia.directory)).get(call)
    expect(booking).toMatchObject({ sent: true, state: 'uncertain', charged: booking?.max })

    const before = billsOfAcacia().length
    await acacia.start()
    await expect.poll(() => billsOfAcacia().length, PATIENCE).toBe(before + 1)
    answer()
    await decided(thread)
    expect(await callsOfTurn(booking?.turn)).toMatchObject([{ call, state: 'uncertain' }, { state: 'settled' }])
  },
  CLOSE_PATIENCE_MS + 40_000,
)

/** Stops the node to look, and starts it again. */
async function callsOfTurn(turn: string | undefined): Promise<unknown[]> {
  await acacia.terminate()
  const bookings = await readBookings(acacia.directory)
  await acacia.start()
  return [...bookings.values()].filter((booking) => booking.turn === turn)
}

test('nothing that was acknowledged is missing anywhere, and every bill is covered', async () => {
  await expectNothingLost(mesh, written)
})
