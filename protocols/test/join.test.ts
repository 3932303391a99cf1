import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { sealSigned } from '../src/bytes/signing.ts'
import {
  decodeInvite,
  decodeJoinAnswer,
  encodeInvite,
  encodeJoinAnswer,
  type Incarnation,
  type Invite,
  type JoinAnswer,
  openJoinRequest,
  sealJoinRequest,
} from '../src/index.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const walnut = signerOf(1)
const laptop = signerOf(2)
const invited = signerOf(3)
const invite: Invite = {
  mesh,
  network: 'hive',
  secret: new Uint8Array(32).fill(5),
  peer: walnut.peer,
  addrs: ['/ip4/192.168.1.27/tcp/4001'],
  seed: new Uint8Array(32).fill(3),
  role: 'laptop',
  expiresMs: 1_795_000_000_000,
}
const token = encodeInvite(invite)
const asLaptop = { role: 'laptop', label: 'ana', incarnation: null, addrs: [] } as const
const asNode = {
  role: 'node',
  label: null,
  incarnation: '7'.repeat(32) as Incarnation,
  addrs: ['/ip4/192.168.1.31/tcp/4001'],
} as const
const request = sealJoinRequest({ invite: invited.peer, ...asLaptop }, mesh, laptop)
const nodeRequest = sealJoinRequest({ invite: invited.peer, ...asNode }, mesh, laptop)
const answers: JoinAnswer[] = [
  { t: 'joined', first: Uint8Array.of(1), newest: Uint8Array.of(2) },
  { t: 'refused', code: 'USED', reason: 'somebody joined with it' },
]

it('has the bytes of the spec', () => {
  const [joined, refused] = answers.map((answer) => hex(encodeJoinAnswer(answer)))
  expect({ token, request: hex(request), nodeRequest: hex(nodeRequest), joined, refused }).toEqual(golden('join'))
})

describe('an invitation', () => {
  it('is read back as it was made, also with blanks around it', () => {
    expect(decodeInvite(` ${token}\n`)).toEqual(invite)
  })

  it('that was cut off or mistyped says so, and none of itself', () => {
    const mistyped = token.replace(/.(.)$/, (_, last) => `${last === 'A' ? 'B' : 'A'}${last}`)
    for (const bad of [token.slice(0, -3), mistyped, `${token}AAAA`]) {
      expect(() => decodeInvite(bad)).toThrow(/cut off or mistyped: its checksum does not fit$/)
    }
  })

  it.each(['', 'hello', 'bzzz-invite-2.AAAA', 'bzzz-invite-1.', '😀'.repeat(5000)])('is not %.20s', (text) => {
    expect(() => decodeInvite(text)).toThrow(expect.objectContaining({ name: 'ProtocolError', code: 'BAD_SHAPE' }))
  })
})

describe('a request to join', () => {
  it('names the new member by the key that signed it', () => {
    expect(openJoinRequest(request, mesh, invited.peer)).toEqual({ peer: laptop.peer, ...asLaptop })
    expect(openJoinRequest(nodeRequest, mesh, invited.peer)).toEqual({ peer: laptop.peer, ...asNode })
  })

  it('is good for one invitation and one mesh', () => {
    expect(() => openJoinRequest(request, mesh, walnut.peer)).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
    expect(() => openJoinRequest(request, otherMesh, invited.peer)).toThrow(
      expect.objectContaining({ code: 'BAD_SIGNATURE' }),
    )
  })

  it('for a key that its sender does not have is refused', () => {
    const body = {
      v: 1,
      publicKey: Uint8Array.from(walnut.publicKey),
      invite: invited.peer,
      ...asLaptop,
    }
    const forged = sealSigned('join', mesh, encodeCanonical(body), laptop)
    expect(() => openJoinRequest(forged, mesh, invited.peer)).toThrow(
      expect.objectContaining({ code: 'BAD_SIGNATURE' }),
    )
  })

  it.each([
    ['a node without a ledger', { ...asNode, incarnation: null }],
    ['a laptop with one', { ...asLaptop, incarnation: asNode.incarnation }],
    ['a queen', { ...asLaptop, role: 'queen' }],
  ])('of %s is refused', (_, wanted) => {
    const body = { v: 1, publicKey: Uint8Array.from(laptop.publicKey), invite: invited.peer, ...wanted }
    const odd = sealSigned('join', mesh, encodeCanonical(body), laptop)
    expect(() => openJoinRequest(odd, mesh, invited.peer)).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })
})

describe('an answer', () => {
  it.each(answers)('$t is read back as it was sent', (answer) => {
    expect(decodeJoinAnswer(encodeJoinAnswer(answer))).toEqual(answer)
  })

  it('of no known kind is refused', () => {
    const odd = encodeCanonical({ t: 'perhaps' })
    expect(() => decodeJoinAnswer(odd)).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })
})
