import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Asked } from '@bzzz/mesh'
import { decodeInvite, type Invite, openJoinRequest, type PeerId } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { identityFromSeed, readIdentity } from '../../src/identity/identity.ts'
import { dataDirectory } from '../../src/init/data-directory.ts'
import { readMeshFile } from '../../src/init/mesh-file.ts'
import { type JoinPlan, joinMesh } from '../../src/join/join.ts'
import { openMembership } from '../../src/membership/membership.ts'
import { openPlace, type Place } from '../membership/place.ts'

let place: Place
let root: string
let directory: string
let invite: Invite
/** New members as the inviting node sees them. */
let asked: PeerId[]

beforeEach(async () => {
  place = await openPlace()
  root = await mkdtemp(join(tmpdir(), 'bzzz-join-'))
  directory = join(root, 'laptop')
  invite = decodeInvite((await place.invites.create({ role: 'laptop', label: null, lifeMs: 60_000 })).token)
  asked = []
})
afterEach(async () => {
  await place.close()
  await rm(root, { recursive: true, force: true })
})

async function ask(request: Uint8Array): Promise<Asked> {
  const invited = identityFromSeed(invite.seed).peer
  const opened = openJoinRequest(request, invite.mesh, invited)
  asked.push(opened.peer)
  return { status: 'answered', answer: await place.invites.join(invited, opened) }
}

const settings = { agents: [], p2p_port: 0, http_port: 0, mcp_port: 0 }
const plan = (more: Partial<JoinPlan> = {}): JoinPlan => ({
  ...{ addrs: [], settings },
  ...{ directory, invite, label: 'ana', ask, now: Date.now, randomBytes, ...more },
})

/** A node could start on it: key, manifest, membership, ledger and settings belong together. */
async function expectWhole(): Promise<void> {
  const paths = dataDirectory(directory)
  const { peer } = await readIdentity(paths.nodeKey)
  expect(new Set(asked)).toEqual(new Set([peer]))
  const first = await readMeshFile(paths.mesh)
  const state = await openState({ directory: paths.state })
  try {
    const membership = await openMembership({ room: state.room('membership'), first })
    expect(membership.isLaptop(peer)).toBe(true)
  } finally {
    await state.close()
  }
  const settings = JSON.parse(await readFile(paths.settings, 'utf8'))
  expect(settings).toMatchObject({ node_id: 'ana', network_id: 'lab', agents: [], http_port: 0 })
  expect(await readdir(directory)).toEqual(expect.not.arrayContaining([expect.stringMatching(/^\.join-/)]))
}

describe('joining as a laptop', () => {
  it('makes a data directory of its own, which a second invitation leaves alone', async () => {
    const joined = await joinMesh(plan())
    expect(joined).toMatchObject({ directory, label: 'ana', peer: asked[0] })
    await expectWhole()
    const again = decodeInvite((await place.invites.create({ role: 'laptop', label: null, lifeMs: 60_000 })).token)
    await expect(joinMesh(plan({ invite: again }))).rejects.toMatchObject({ code: 'ALREADY_INITIALISED' })
    await expectWhole()
  })

  it('goes on with the key that it had when the answer was lost', async () => {
    const lost = async (request: Uint8Array): Promise<Asked> => {
      await ask(request)
      throw new Error('the connection broke')
    }
    await expect(joinMesh(plan({ ask: lost }))).rejects.toThrow('the connection broke')
    expect(place.membership.newest().manifest.version).toBe(2)
    await joinMesh(plan())
    expect(place.membership.newest().manifest.version).toBe(2)
    await expectWhole()
  })

  it('is made whole after a stop between any two of the moves that put it in place', async () => {
    await joinMesh(plan())
    const names = (await readdir(directory)).filter((name) => name !== 'node.key')
    const key = await readFile(join(directory, 'node.key'), 'utf8')
    const { createHash } = await import('node:crypto')
    const id = createHash('sha256').update('bzzz/join-folder/1\0').update(invite.seed).digest('hex').slice(0, 16)
    for (const moved of [[], names.slice(0, 2), names, [...names, 'node.key']]) {
      const kept = join(root, 'kept')
      await rename(directory, kept)
      await mkdir(join(directory, `.join-${id}`), { recursive: true })
      await writeFile(join(directory, `.join-${id}`, 'pending.key'), key)
      for (const name of moved) await rename(join(kept, name), join(directory, name))
      await rm(kept, { recursive: true })
      await joinMesh(plan())
      await expectWhole()
    }
  })

  it('leaves nothing behind when it is refused, and what was there before stays', async () => {
    const invited = identityFromSeed(invite.seed).peer
    await place.invites.revoke(invited)
    await expect(joinMesh(plan())).rejects.toMatchObject({ name: 'JoinError', code: 'REVOKED' })
    expect(await readdir(root)).toEqual([])
    await mkdir(directory)
    await writeFile(join(directory, 'bzzz.json'), '{"log_level":"warn"}')
    await expect(joinMesh(plan())).rejects.toMatchObject({ code: 'REVOKED' })
    expect(await readdir(directory)).toEqual(['bzzz.json'])
  })

  it('that is refused leaves what others put into the folders meanwhile', async () => {
    await place.invites.revoke(identityFromSeed(invite.seed).peer)
    const deep = join(root, 'above', 'laptop')
    const disturbed = async (request: Uint8Array): Promise<Asked> => {
      await writeFile(join(root, 'above', 'notes.txt'), 'mine')
      return ask(request)
    }
    await expect(joinMesh(plan({ directory: deep, ask: disturbed }))).rejects.toMatchObject({ code: 'REVOKED' })
    expect(await readdir(root, { recursive: true })).toEqual(['above', join('above', 'notes.txt')])
  })

  it('is done once in one folder, however many come at the same time', async () => {
    const { promise: both, resolve: go } = Promise.withResolvers<void>()
    const slow = async (request: Uint8Array): Promise<Asked> => {
      await both
      return ask(request)
    }
    const first = joinMesh(plan({ ask: slow }))
    const second = joinMesh(plan({ ask: slow })).finally(go)
    await expect(second).rejects.toMatchObject({ code: 'BUSY', message: expect.stringContaining(String(process.pid)) })
    await first
    await expectWhole()
    expect(await readdir(directory)).not.toContain('.join.lock')
  })

  it.each([
    ['a process that is gone', String(2 ** 22 + 1)],
    ['an earlier process with our number', String(process.pid)],
  ])('takes over the lock of %s', async (_, text) => {
    await mkdir(directory)
    await writeFile(join(directory, '.join.lock'), text)
    await joinMesh(plan())
    await expectWhole()
  })

  it('waits for nobody whose lock is in force', async () => {
    await mkdir(directory)
    for (const [text, words] of [
      [String(process.ppid), `process ${process.ppid}`],
      ['', 'another process'],
    ] as const) {
      await writeFile(join(directory, '.join.lock'), text)
      await expect(joinMesh(plan())).rejects.toMatchObject({
        code: 'BUSY',
        message: expect.stringContaining(words),
      })
    }
    expect(asked).toEqual([])
  })

  it('keeps the operator’s own settings beside its own', async () => {
    await mkdir(directory)
    await writeFile(join(directory, 'bzzz.json'), '{"log_level":"warn","node_id":"old"}')
    await joinMesh(plan())
    await expectWhole()
    expect(JSON.parse(await readFile(join(directory, 'bzzz.json'), 'utf8'))).toMatchObject({ log_level: 'warn' })
  })

  it('takes no answer of another mesh, or one that does not name it', async () => {
    const bytes = Uint8Array.from(place.first.bytes)
    const odd = async (): Promise<Asked> => ({
      status: 'answered',
      answer: { t: 'joined', first: bytes, newest: bytes },
    })
    await expect(joinMesh(plan({ ask: odd }))).rejects.toMatchObject({ code: 'BAD_ANSWER' })
    const none = async (): Promise<Asked> => {
      return { status: 'answered', answer: { t: 'joined', first: bytes, newest: Uint8Array.of(1) } }
    }
    await expect(joinMesh(plan({ ask: none }))).rejects.toMatchObject({ code: 'BAD_ANSWER' })
    expect(await readdir(root)).toEqual([])
  })
})
