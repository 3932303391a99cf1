import { describe, expect, it } from 'vitest'
import { type Alert, MAX_ALERT_BYTES, openAlert, sealAlert } from '../src/alert/alert.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const walnut = signerOf(1)
const alert: Alert = {
  ...{ v: 1, period: 'd:2026-11-22' as never, level: 'warning', teller: walnut.peer, wallMs: 1_795_000_000_000 },
  ...{ limit: 100_000_000_000n as never, spent: 80_250_000_000n as never },
}
const sealed = sealAlert(alert, mesh, walnut)

describe('an alert', () => {
  it('has the bytes of the spec', () => {
    expect({ sealed: hex(sealed) }).toEqual(golden('alert'))
  })

  it('is read back as it was signed, and bound to its mesh and its teller', () => {
    const forged = expect.objectContaining({ code: 'BAD_SIGNATURE' })
    expect(openAlert(sealed, mesh)).toEqual(alert)
    expect(() => openAlert(sealed, otherMesh)).toThrow(forged)
    expect(() => openAlert(sealAlert(alert, mesh, signerOf(2)), mesh)).toThrow(forged)
  })

  it.each<[string, object, string]>([
    ['of a thread', { period: 't:019aa1b2-c3d4-7000-8000-000000000001' }, 'a day or a month'],
    ['of an agent', { period: 'a:architect:2026-11-22' }, 'a day or a month'],
    ['of a level that nobody knows', { level: 'panic' }, 'level'],
    ['of less than nothing', { spent: -1n }, 'spent'],
    ['with a field that nobody knows', { extra: 1 }, 'extra'],
  ])('%s is refused', (_, change, words) => {
    expect(() => openAlert(sealAlert({ ...alert, ...change } as Alert, mesh, walnut), mesh)).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', message: expect.stringContaining(words) }),
    )
  })

  it('above its bound is refused before it is decoded', () => {
    expect(() => openAlert(new Uint8Array(MAX_ALERT_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
