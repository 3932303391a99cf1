import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { sealSigned } from '../src/bytes/signing.ts'
import { agentIdOf, callIdOf, turnIdOf } from '../src/ids/ids.ts'
import {
  MAX_TOKENS_BYTES,
  MAX_TOKENS_CHARS,
  openTokens,
  sealTokens,
  type TokensFrame,
  tokensIds,
} from '../src/index.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const walnut = signerOf(1)
const frame: TokensFrame = {
  v: 1,
  thread: '019a0000-0000-7000-8000-000000000001' as never,
  agent: agentIdOf('reviewer', walnut.peer),
  phase: 'findings',
  round: 1,
  step: 0,
  attempt: 2,
  offset: 17,
  text: 'eval() gets what the caller sends',
}
const sealed = sealTokens(frame, mesh, walnut)

describe('a frame of tokens', () => {
  it('has the bytes of the spec', () => {
    expect({ sealed: hex(sealed) }).toEqual(golden('tokens'))
  })

  it('is read back as it was signed', () => {
    expect(openTokens(sealed, mesh)).toEqual(frame)
  })

  it('names its peer, turn and call by what it carries', () => {
    const turn = turnIdOf(frame)
    expect(tokensIds(frame)).toEqual({ peer: walnut.peer, turn, call: callIdOf(turn, 0, 2) })
  })

  it('fits its bound with the longest name and the heaviest text', () => {
    const heaviest = {
      ...frame,
      agent: agentIdOf('a'.repeat(64), walnut.peer),
      ...{ round: 2 ** 53 - 1, step: 2 ** 53 - 1, attempt: 2 ** 53 - 1, offset: 2 ** 53 - 1 },
      text: '漢'.repeat(MAX_TOKENS_CHARS),
    }
    const bytes = sealTokens(heaviest, mesh, walnut)
    expect(bytes.length).toBeLessThan(MAX_TOKENS_BYTES)
    expect(openTokens(bytes, mesh)).toEqual(heaviest)
  })

  it('is bound to its mesh, to the node of its agent and to its kind', () => {
    const refused = expect.objectContaining({ code: 'BAD_SIGNATURE' })
    expect(() => openTokens(sealed, otherMesh)).toThrow(refused)
    expect(() => openTokens(sealTokens(frame, mesh, signerOf(2)), mesh)).toThrow(refused)
    expect(() => openTokens(sealSigned('card', mesh, encodeCanonical(frame), walnut), mesh)).toThrow(refused)
  })

  it.each<[string, object]>([
    ['without text', { text: '' }],
    ['with more text than allowed', { text: 'x'.repeat(MAX_TOKENS_CHARS + 1) }],
    ['of a phase that nobody knows', { phase: 'lunch' }],
    ['of an agent without a node', { agent: 'reviewer' }],
    ['with an offset below zero', { offset: -1 }],
    ['with a field that nobody knows', { extra: 1 }],
  ])('%s is refused', (_, change) => {
    const bytes = sealSigned('tokens', mesh, encodeCanonical({ ...frame, ...change }), walnut)
    expect(() => openTokens(bytes, mesh)).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })

  it('above its bound is refused before it is decoded', () => {
    expect(() => openTokens(new Uint8Array(MAX_TOKENS_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
