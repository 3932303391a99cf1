import type { Room } from '@bzzz/store'
import { describe, expect, it } from 'vitest'
import { verifyLedger } from '../src/ledger/verify.ts'
import { answer, callOf, openBench, reserved } from './bench.ts'

/** A ledger with a settled call, one in flight and an uncertain one, whose slots were asked for. */
async function written() {
  const { budget, room, manifest } = await openBench()
  const call = await reserved(budget, callOf(20, 'a'))
  await budget.sent(call)
  await budget.settle(call, answer(10))
  await reserved(budget, callOf(10, 'b'))
  await budget.lose(await reserved(budget, callOf(10, 'c')), 'time-out')
  await budget.slots()
  return { room, verify: () => verifyLedger(room, manifest.mesh) }
}

async function firstKey(room: Room, prefix: string): Promise<string> {
  for await (const key of room.keys({ gte: prefix, limit: 1 })) return key
  throw new Error(`nothing under ${prefix}`)
}

const drop = (prefix: string) => async (room: Room) => room.write([{ del: await firstKey(room, prefix) }])
const alter = (prefix: string) => async (room: Room) => {
  const key = await firstKey(room, prefix)
  const value = Uint8Array.from((await room.get(key)) ?? [])
  await room.write([{ put: key, value: value.with(-1, (value.at(-1) ?? 0) ^ 1) }])
}

describe('what is kept beside the ledger', () => {
  it('is believed as it was written', async () => {
    expect(await (await written()).verify()).toMatchObject({ unsettled: 1, uncertain: 1 })
  })

  it.each<[string, (room: Room) => Promise<unknown>, RegExp]>([
    ['a record of a call is not found by its call', drop('c/'), /index of calls, turns and openings/],
    ['a call is not found by its turn', drop('t/'), /index of calls, turns and openings/],
    [
      'a call is found by a turn that never made it',
      (room) => room.write([{ put: 't/none/0/0', value: new Uint8Array() }]),
      /index of calls, turns and openings/,
    ],
    ['a call in flight is not known as such', drop('o/'), /kept as o\//],
    ['an uncertain call is not known as such', drop('u/'), /kept as u\//],
    ['a slot was altered', alter('s/'), /kept as s\/.* cannot be read/],
    ['the manifest that was acknowledged is not found', drop('acked'), /kept as acked/],
    ['the number of the opening is gone', drop('meta'), /kept as meta/],
  ])('is not believed when %s', async (_, damage, words) => {
    const { room, verify } = await written()
    await damage(room)
    const verifying = verify()
    await expect(verifying).rejects.toMatchObject({ code: 'LEDGER_BROKEN' })
    await expect(verifying).rejects.toThrow(words)
  })
})
