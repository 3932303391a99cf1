import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccount, parseUsd } from '@bzzz/budget'
import { openState } from '@bzzz/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readPriceTable } from '../../src/config/prices.ts'
import { readIdentity } from '../../src/identity/identity.ts'
import { dataDirectory } from '../../src/init/data-directory.ts'
import { type FoundedMesh, foundMesh, type MeshPlan, type PlannedMember } from '../../src/init/init.ts'
import { readMeshFile } from '../../src/init/mesh-file.ts'

let parent: string
let directory: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'bzzz-init-'))
  directory = join(parent, 'lab')
})

afterEach(() => rm(parent, { recursive: true, force: true }))

function memberOf(label: string, more: Partial<PlannedMember> = {}): PlannedMember {
  return { label, addr: '/ip4/127.0.0.1/tcp/4001', role: 'node', agents: [], settings: {}, ...more }
}

async function found(labels: readonly (string | PlannedMember)[], more: Partial<MeshPlan> = {}): Promise<FoundedMesh> {
  return foundMesh({
    directory,
    network: 'lab',
    members: labels.map((label) => (typeof label === 'string' ? memberOf(label) : label)),
    dailyUsd: 20,
    monthlyUsd: 200,
    perAgentDailyUsd: null,
    thresholds: { warning: 0.8, critical: 0.95 },
    prices: await readPriceTable({ prices_file: undefined, local_model: false, openai_model: 'gpt-4o-mini' }),
    now: Date.now,
    randomBytes,
    ...more,
  })
}

/** Gives out bytes for a while, then breaks. */
function bytesFor(times: number): (length: number) => Uint8Array {
  let given = 0
  return (length) => {
    given += 1
    if (given > times) throw new Error('no randomness left')
    return randomBytes(length)
  }
}

async function modesBelow(root: string): Promise<Record<string, string>> {
  const modes: Record<string, string> = {}
  for (const name of await readdir(root)) modes[name] = ((await stat(join(root, name))).mode & 0o777).toString(8)
  return modes
}

describe('a founded mesh', () => {
  test('takes away what a try that was killed had left', async () => {
    await mkdir(join(directory, '.init-dead', '0'), { recursive: true })
    await found(['walnut', 'ironwood'])
    expect(await readdir(directory)).toEqual(['ironwood', 'walnut'])
  })

  test('of one machine is not founded over the folders of another mesh', async () => {
    await found(['walnut', 'ironwood'])
    await expect(found(['alone'])).rejects.toMatchObject({ code: 'ALREADY_INITIALISED' })
    expect(await readdir(directory)).toEqual(['ironwood', 'walnut'])
  })

  test('gives each machine a folder with its own key, and all of them one manifest and one secret', async () => {
    const { members, manifest } = await found(['walnut', 'ironwood', 'acacia'])
    const paths = members.map((member) => dataDirectory(member.directory))
    expect(members.map((member) => member.directory)).toEqual(
      ['walnut', 'ironwood', 'acacia'].map((label) => join(directory, label)),
    )
    const peers = await Promise.all(paths.map(async ({ nodeKey }) => (await readIdentity(nodeKey)).peer))
    expect(peers).toEqual(members.map((member) => member.peer))
    expect(new Set(peers).size).toBe(3)
    for (const path of paths) expect((await readMeshFile(path.mesh)).mesh).toBe(manifest.mesh)
    const secrets = await Promise.all(paths.map(({ networkSecret }) => readFile(networkSecret, 'utf8')))
    expect(new Set(secrets).size).toBe(1)
    expect(secrets[0]).toMatch(/^[0-9a-f]{64}\n$/)
  })

  test('names in its manifest the account of the very ledger that lies in each folder', async () => {
    const { members, manifest } = await found(['walnut', 'ironwood'])
    for (const member of members) {
      const state = await openState({ directory: dataDirectory(member.directory).state })
      const incarnation = await createAccount(state.room('budget'), { now: Date.now, randomBytes })
      await state.close()
      expect(manifest.manifest.allotments.map(({ account }) => account)).toContainEqual({
        peer: member.peer,
        incarnation,
      })
    }
  })

  test('hands out no more than its limits, and nothing to a laptop', async () => {
    const { members, manifest } = await found(['walnut', 'ironwood', memberOf('slate', { role: 'laptop' })])
    const { allotments, limits } = manifest.manifest
    const laptop = members[2]?.peer
    expect(limits.map(({ dim, amount }) => [dim, amount])).toEqual([
      ['day', parseUsd('20')],
      ['month', parseUsd('200')],
    ])
    expect(allotments.filter(({ account }) => account.peer === laptop)).toEqual([])
    expect(allotments.length).toBeGreaterThan(0)
  })

  test('of one machine lies in the named directory itself', async () => {
    const { members, ownerKey } = await found(['walnut'])
    expect(members[0]?.directory).toBe(directory)
    expect(ownerKey).toBe(join(directory, 'owner.key'))
  })

  test('keeps the owner key in one place only', async () => {
    const { members } = await found(['walnut', 'ironwood'])
    const holders = await Promise.all(
      members.map(async (member) => (await readdir(member.directory)).includes('owner.key')),
    )
    expect(holders).toEqual([true, false])
  })

  test('is readable by its owner only', async () => {
    const { members } = await found(['walnut', 'ironwood'])
    for (const member of members) {
      expect((await stat(member.directory)).mode & 0o777).toBe(0o700)
      const { state: _, ...files } = await modesBelow(member.directory)
      expect(new Set(Object.values(files))).toEqual(new Set(['600']))
    }
  })

  test('writes what the plan says into the settings of each', async () => {
    const [member] = (await found([memberOf('walnut', { agents: ['architect'], settings: { p2p_port: 4007 } })]))
      .members
    expect(JSON.parse(await readFile(join(member?.directory ?? '', 'bzzz.json'), 'utf8'))).toEqual({
      node_id: 'walnut',
      network_id: 'lab',
      agents: ['architect'],
      p2p_port: 4007,
    })
  })
})

describe('a directory that is there already', () => {
  test("keeps the operator's own config folder", async () => {
    const limits = join(directory, 'config', 'cost-limits.json')
    await mkdir(join(directory, 'config'), { recursive: true })
    await writeFile(limits, '{}')
    await found(['walnut'])
    expect(await readFile(limits, 'utf8')).toBe('{}')
    expect(await readdir(parent)).toEqual(['lab'])
  })

  test('is refused when it holds a node, and that node is untouched', async () => {
    await found(['walnut'])
    const key = await readFile(join(directory, 'node.key'), 'utf8')
    await expect(found(['walnut'])).rejects.toMatchObject({
      code: 'ALREADY_INITIALISED',
      message: expect.stringContaining(`${directory} already belongs to a mesh`),
    })
    expect(await readFile(join(directory, 'node.key'), 'utf8')).toBe(key)
  })

  test('one of several that holds a node stops all of them', async () => {
    await found(['walnut', 'ironwood'])
    await expect(found(['acacia', 'ironwood'])).rejects.toMatchObject({ code: 'ALREADY_INITIALISED' })
    expect((await readdir(directory)).sort()).toEqual(['ironwood', 'walnut'])
  })
})

describe('a try that fails half-way', () => {
  test.each([1, 2, 3, 4])('after %d draws of randomness leaves nothing, and the next one succeeds', async (times) => {
    await expect(found(['walnut', 'ironwood'], { randomBytes: bytesFor(times) })).rejects.toThrow('no randomness left')
    const left = await readdir(parent)
    expect(left.filter((name) => name !== 'lab')).toEqual([])
    if (left.includes('lab')) expect(await readdir(directory)).toEqual([])
    expect((await found(['walnut', 'ironwood'])).members).toHaveLength(2)
  })

  test('because a folder cannot be made leaves no other one behind', async () => {
    await mkdir(directory)
    await writeFile(join(directory, 'ironwood'), 'a file, not a folder')
    await expect(found(['walnut', 'ironwood'])).rejects.toThrow(join(directory, 'ironwood'))
    expect(await readdir(directory)).toEqual(['ironwood'])
  })
})
