import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manifestChanged, manifestView } from '@bzzz/protocols'
import type { FoundedMesh } from 'bzzz'
import { afterEach, beforeEach, expect, test } from 'vitest'
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

const clientOf = (label: Label) => (running.get(label) as TestNode).client

/** @returns `signed`, or why not */
async function change(label: Label, path: string, body: object = {}): Promise<string> {
  try {
    return (await clientOf(label).post(`/api/manifest/${path}`, body, manifestChanged)).status
  } catch (error) {
    return (error as Error).message
  }
}

const day = (label: Label, direction: 'raise' | 'lower', amount_usd: number) =>
  change(label, 'limits', { dim: 'day', direction, amount_usd })
const standing = (label: Label) => clientOf(label).get('agents', '/api/manifest', manifestView)
const nextDay = async (label: Label) => (await standing(label)).limits.filter(({ dim }) => dim === 'day').at(-1)

test('a key whose machine is gone goes on elsewhere once everybody else has confirmed that', async () => {
  await start('walnut', 'ironwood', 'acacia')
  expect(await day('walnut', 'lower', 6)).toBe('signed')
  await expect.poll(async () => (await standing('ironwood')).version, PATIENCE).toBe(2)
  await stop('walnut')
  expect(await day('ironwood', 'raise', 8)).toMatch(/bzzz owner restore/)
  await stop('acacia')
  expect(await change('ironwood', 'restore', { gone: ['walnut'] })).toBe('signed')
  await expect.poll(() => day('ironwood', 'raise', 8), PATIENCE).toMatch(/acknowledged first.*gone: acacia\b/)
  await start('acacia')
  await expect.poll(() => day('ironwood', 'raise', 8), PATIENCE).toBe('signed')
  await expect.poll(() => nextDay('ironwood'), PATIENCE).toMatchObject({ limit_usd: 8, given_usd: 8, waiting_for: [] })
})

test('a key that signed in two places is noticed by all, and one version heals that', async () => {
  await start('walnut')
  expect(await day('walnut', 'lower', 6)).toBe('signed')
  await stop('walnut')
  await start('ironwood', 'acacia')
  expect(await day('ironwood', 'lower', 7)).toBe('signed')
  await start('walnut')
  for (const label of ['walnut', 'ironwood'] as const) {
    await expect.poll(async () => (await standing(label)).contested, PATIENCE).toBe(true)
  }
  expect(await day('walnut', 'lower', 5)).toMatch(/heal/)
  expect(await change('walnut', 'heal')).toBe('signed')
  for (const label of LABELS) {
    await expect.poll(async () => (await standing(label)).contested, PATIENCE).toBe(false)
  }
  await expect.poll(() => nextDay('walnut'), PATIENCE).toMatchObject({ limit_usd: 6, given_usd: 6, waiting_for: [] })
  expect(await day('ironwood', 'lower', 5)).toMatch(/bzzz owner restore/)
})
