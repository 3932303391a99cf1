import { createPublicKey, verify } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createIdentity, identityFromSeed, readIdentity } from '../../src/identity/identity.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-identity-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const seven = (length: number) => new Uint8Array(length).fill(7)

// RFC 8032 §7.1, test 1
const RFC_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const RFC_PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'

test("the seed of RFC 8032's first test gives its public key", () => {
  expect(Buffer.from(identityFromSeed(Buffer.from(RFC_SEED, 'hex')).publicKey).toString('hex')).toBe(RFC_PUBLIC_KEY)
})

test('what an identity signs is proven by its public key', () => {
  const identity = identityFromSeed(seven(32))
  const message = Buffer.from('hold $0.004')
  const x = Buffer.from(identity.publicKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  expect(verify(null, message, key, identity.sign(message))).toBe(true)
  expect(verify(null, Buffer.from('hold $4.000'), key, identity.sign(message))).toBe(false)
})

test('a key that was written is read as the same identity, by its owner only', async () => {
  const path = join(directory, 'node.key')
  const created = await createIdentity(path, seven)
  expect((await readIdentity(path)).peer).toBe(created.peer)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('a key is never written over another', async () => {
  const path = join(directory, 'node.key')
  await createIdentity(path, seven)
  await expect(createIdentity(path, (length) => new Uint8Array(length))).rejects.toMatchObject({ code: 'EEXIST' })
  expect((await readIdentity(path)).peer).toBe(identityFromSeed(seven(32)).peer)
})

test('a missing key means that there is no mesh, and the message says what to run', async () => {
  await expect(readIdentity(join(directory, 'node.key'))).rejects.toMatchObject({
    code: 'NOT_INITIALISED',
    message: `there is no mesh in ${directory}; run "bzzz init" first`,
  })
})

test('a file that is no key is refused with its name, and its content is not repeated', async () => {
  const path = join(directory, 'node.key')
  await writeFile(path, 'hunter2 is not hexadecimal\n')
  await expect(readIdentity(path)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `${path}: not a key file (64 hexadecimal digits); restore this node's folder from its backup, since a new key is a new node`,
  })
})
