import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentsAnswer } from '@bzzz/protocols'
import { expect, vi } from 'vitest'
import { foundTestMesh } from '../node/nodes.ts'
import { quotes } from '../review/small-change.ts'
import { type BillingServer, MODEL, startBillingServer } from './billing-server.ts'
import { type NodeToKill, nodeToKill } from './node-to-kill.ts'

/** Three nodes with one reviewer each, and the server that bills them. */
export interface MeshToKill {
  readonly nodes: readonly NodeToKill[]
  readonly billing: BillingServer
  node(label: string): NodeToKill
  /** Of a node at the billing server. */
  keyOf(node: NodeToKill): string
  close(): Promise<void>
}

export const MEMBERS = [
  ['walnut', 'architect'],
  ['ironwood', 'reviewer'],
  ['acacia', 'security'],
] as const
export const LABELS = MEMBERS.map(([label]) => label)
const FORM_PATIENCE = { timeout: 30_000, interval: 50 }

export async function openMeshToKill(): Promise<MeshToKill> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-crash-'))
  const pricesFile = join(directory, 'prices.json')
  const models = [{ ...MODEL, date: '2026-11-22', source: 'a test' }]
  await writeFile(pricesFile, JSON.stringify({ currency: 'USD', unit: 'per million tokens', models }))
  const billing = await startBillingServer(quotes)
  const { members } = await foundTestMesh(directory, { members: MEMBERS, dailyUsd: 1_000, pricesFile })
  const nodes = members.map((member) =>
    nodeToKill(member.label, member.directory, {
      BZZZ_PRICES_FILE: pricesFile,
      OPENAI_BASE_URL: billing.baseUrl,
      OPENAI_API_KEY: keyOf(member),
      OPENAI_MODEL: MODEL.model,
      OPENAI_MAX_TOKENS: '1500',
    }),
  )
  const mesh = {
    nodes,
    billing,
    keyOf,
    node(label: string) {
      const found = nodes.find((node) => node.label === label)
      if (found === undefined) throw new RangeError(`no node ${label}`)
      return found
    },
    async close() {
      await Promise.all(nodes.map((node) => node.kill().catch(() => {}))) // never started: nothing to kill
      await billing.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all(nodes.map((node) => node.start()))
    await formed(mesh)
    return mesh
  } catch (error) {
    await mesh.close()
    throw error
  }
}

/** Resolves once every node knows a live agent of each role. */
export async function formed({ nodes }: Pick<MeshToKill, 'nodes'>): Promise<void> {
  const look = async () => {
    for (const { label, client } of nodes) {
      const { agents } = await client.get('agents', '/api/agents', agentsAnswer)
      const live = agents.filter(({ status }) => status !== 'offline')
      expect(live.length, `agents that ${label} knows`).toBe(MEMBERS.length)
    }
  }
  await vi.waitFor(look, FORM_PATIENCE)
}

function keyOf({ label }: { readonly label: string }): string {
  return `sk-of-${label}`
}
