import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manifestView } from '@bzzz/protocols'
import type { FoundedMesh } from 'bzzz'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { foundTestMesh, startTestNode, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 50 }
const LABELS = ['walnut', 'ironwood', 'acacia'] as const
type Label = (typeof LABELS)[number]

let directory: string
let founded: FoundedMesh
const running = new Map<Label, TestNode>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-owner-key-'))
  founded = await foundTestMesh(directory, { members: LABELS.map((label) => [label] as const), dailyUsd: 9 })
  await copyFile(join(directoryOf('walnut'), 'owner.key'), join(directoryOf('ironwood'), 'owner.key'))
})
afterEach(async () => {
  await Promise.all([...running.values()].map(({ node }) => node.close()))
  running.clear()
  await rm(directory, { recursive: true, force: true })
})

function directoryOf(label: Label): string {
  const member = founded.members.find((each) => each.label === label)
  if (member === undefined) throw new Error(`${label} was not founded`)
  return member.directory
}

async function start(...labels: readonly Label[]): Promise<void> {
  for (const label of labels) running.set(label, await startTestNode(label, directoryOf(label), {}))
}

async function stop(label: Label): Promise<void> {
  await running.get(label)?.node.close()
  running.delete(label)
}

const on = (label: Label, ...args: string[]) => bzzz([...args, '--data-dir', directoryOf(label)])
const standing = (label: Label) => (running.get(label) as TestNode).client.get('agents', '/api/manifest', manifestView)
const nextDay = async (label: Label) => (await standing(label)).limits.filter(({ dim }) => dim === 'day').at(-1)

test('a key whose machine is gone goes on elsewhere once everybody else has confirmed that', async () => {
  await start('walnut', 'ironwood', 'acacia')
  expect(await on('walnut', 'budget', 'lower', 'day', '6')).toMatchObject({ code: 0 })
  await expect.poll(async () => (await standing('ironwood')).version, PATIENCE).toBe(2)
  await stop('walnut')
  const early = await on('ironwood', 'budget', 'raise', 'day', '8', '--yes')
  expect(early).toMatchObject({ code: 64, stderr: expect.stringMatching(/bzzz owner restore/) })
  await stop('acacia')
  const restored = await on('ironwood', 'owner', 'restore', '--gone', 'walnut', '--yes')
  expect(restored).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/not yet confirmed by walnut, acacia|not yet confirmed by acacia/),
  })
  const waiting = await on('ironwood', 'budget', 'raise', 'day', '8', '--yes')
  expect(waiting).toMatchObject({ code: 64, stderr: expect.stringMatching(/acknowledged first.*acacia/) })
  await start('acacia')
  await expect.poll(async () => (await on('ironwood', 'budget', 'raise', 'day', '8', '--yes')).code, PATIENCE).toBe(0)
  await expect.poll(() => nextDay('ironwood'), PATIENCE).toMatchObject({ limit_usd: 8, waiting_for: [] })
  expect((await nextDay('ironwood'))?.given_usd).toBeLessThanOrEqual(8)
  console.log(JSON.stringify(await standing('ironwood')))
})

test('a key that signed in two places is noticed by all, and one version heals that', async () => {
  await start('walnut')
  expect(await on('walnut', 'budget', 'lower', 'day', '6')).toMatchObject({ code: 0 })
  await stop('walnut')
  await start('ironwood', 'acacia')
  expect(await on('ironwood', 'budget', 'lower', 'day', '7')).toMatchObject({ code: 0 })
  await start('walnut')
  for (const label of ['walnut', 'ironwood'] as const) {
    await expect.poll(async () => (await standing(label)).contested, PATIENCE).toBe(true)
  }
  const refused = await on('walnut', 'budget', 'lower', 'day', '5')
  expect(refused).toMatchObject({ code: 64, stderr: expect.stringMatching(/heal/) })
  expect(await on('walnut', 'owner', 'heal', '--yes')).toMatchObject({ code: 0 })
  for (const label of LABELS) {
    await expect.poll(async () => (await standing(label)).contested, PATIENCE).toBe(false)
  }
  await expect.poll(() => nextDay('walnut'), PATIENCE).toMatchObject({ limit_usd: 6, given_usd: 6, waiting_for: [] })
  expect(await on('ironwood', 'budget', 'lower', 'day', '5')).toMatchObject({ code: 64 })
})
