import { describe, expect, it } from 'vitest'
import { type Ack, MAX_ACK_BYTES, MAX_OPENED_PERIODS, openAck, sealAck } from '../src/ack/ack.ts'
import { dayPeriod } from '../src/ids/periods.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const walnut = signerOf(1)
const ack: Ack = {
  ...{ v: 1, account: { peer: walnut.peer, incarnation: '1'.repeat(32) as never }, version: 4 },
  ...{ manifest: new Uint8Array(32).fill(9), seq: 43 },
  opened: [
    { period: 'd:2026-11-22' as never, initial: 33_333_333_333n as never },
    { period: 'm:2026-11' as never, initial: 0n as never },
  ],
}
const sealed = sealAck(ack, mesh, walnut)

describe('an ack', () => {
  it('has the bytes of the spec', () => {
    expect({ sealed: hex(sealed) }).toEqual(golden('ack'))
  })

  it('is read back as it was signed, and bound to its mesh and its account', () => {
    const forged = expect.objectContaining({ code: 'BAD_SIGNATURE' })
    expect(openAck(sealed, mesh)).toEqual(ack)
    expect(() => openAck(sealed, otherMesh)).toThrow(forged)
    expect(() => openAck(sealAck(ack, mesh, signerOf(2)), mesh)).toThrow(forged)
  })

  it('with as many periods as it may name stays within its bound', () => {
    const opened = Array.from({ length: MAX_OPENED_PERIODS }, (_, day) => {
      return { period: dayPeriod(day * 86_400_000), initial: (2n ** 63n - 1n) as never }
    })
    expect(openAck(sealAck({ ...ack, opened }, mesh, walnut), mesh).opened).toHaveLength(MAX_OPENED_PERIODS)
  })

  it.each<[string, object, string]>([
    [
      'of a thread',
      { opened: [{ period: 't:019aa1b2-c3d4-7000-8000-000000000001', initial: 1n }] },
      'a day or a month',
    ],
    ['that names a period twice', { opened: [ack.opened[0], ack.opened[0]] }, 'names a period twice'],
    ['of no manifest', { version: 0 }, 'version'],
    ['without a number', { seq: 0 }, 'seq'],
    ['with a field that nobody knows', { extra: 1 }, 'extra'],
  ])('%s is refused', (_, change, words) => {
    expect(() => openAck(sealAck({ ...ack, ...change } as Ack, mesh, walnut), mesh)).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', message: expect.stringContaining(words) }),
    )
  })

  it('above its bound is refused before it is decoded', () => {
    expect(() => openAck(new Uint8Array(MAX_ACK_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
