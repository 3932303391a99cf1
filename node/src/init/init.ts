import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createAccount, type PriceTable, parseUsd, signFirstManifest } from '@bzzz/budget'
import type { Account, Member, OpenedManifest } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { createIdentity, type Identity } from '../identity/identity.ts'
import { type DataDirectory, dataDirectory } from './data-directory.ts'
import { writeMeshFile } from './mesh-file.ts'
import { exists, makeFolder, moveAll, refuseExisting } from './put-in-place.ts'

/** One machine of the mesh to be founded. */
export interface PlannedMember {
  readonly label: string
  /** Multiaddr at which the others reach it, e.g. `/ip4/192.168.1.27/tcp/4001`. */
  readonly addr: string
  readonly role: 'node' | 'laptop'
  /** Roles of the agents that live there. */
  readonly agents: readonly string[]
  /** What goes into its bzzz.json besides. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface MeshPlan {
  /** Where the data directories are made: itself for one member, a folder per label for several. */
  readonly directory: string
  readonly network: string
  readonly members: readonly PlannedMember[]
  readonly dailyUsd: number
  readonly monthlyUsd: number
  readonly perAgentDailyUsd: number | null
  readonly thresholds: { readonly warning: number; readonly critical: number }
  readonly prices: PriceTable
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
}

export interface FoundedMesh {
  readonly manifest: OpenedManifest
  readonly ownerKey: string
  readonly members: readonly {
    label: string
    directory: string
    peer: string
    agents: readonly string[]
    addr: string
  }[]
}

/** Two clocks of one mesh may differ by so much; within it of midnight a call is charged to both days. */
const CLOCK_SKEW_MS = 5_000

/**
 * Founds a mesh: a key and a ledger for each machine, then one manifest with all their accounts, signed by a new owner
 * key. Nothing is left behind when it fails half-way: all is made aside and moved when it is complete.
 * @throws {ConfigError} ALREADY_INITIALISED if a directory holds a node already
 */
export async function foundMesh(plan: MeshPlan): Promise<FoundedMesh> {
  const targets = plan.members.map((member) =>
    plan.members.length === 1 ? plan.directory : join(plan.directory, member.label),
  )
  for (const target of targets) await refuseExisting(target)
  for (const neighbour of await neighbours(plan)) await refuseExisting(neighbour)
  const made = await makeFolder(plan.directory)
  try {
    return await foundAt(targets, plan)
  } catch (error) {
    if (made !== undefined) await rm(made, { recursive: true, force: true })
    throw error
  }
}

const ASIDE = '.init-'

/** Of a try that was killed: half a mesh, with keys in it. */
async function removeLeftovers(directory: string): Promise<void> {
  const left = (await readdir(directory)).filter((name) => name.startsWith(ASIDE))
  for (const name of left) await rm(join(directory, name), { recursive: true, force: true })
}

async function foundAt(targets: readonly string[], plan: MeshPlan): Promise<FoundedMesh> {
  // In the folder itself: that may be a disk of its own, and the folder above another user's.
  await removeLeftovers(plan.directory)
  const aside = await mkdtemp(join(plan.directory, ASIDE))
  try {
    const founded = await prepare(plan, aside)
    await moveAll(targets, aside)
    return {
      manifest: founded.manifest,
      ownerKey: dataDirectory(targets[0] ?? plan.directory).ownerKey,
      members: founded.nodes.map((node, index) => ({
        label: node.member.label,
        directory: targets[index] ?? plan.directory,
        peer: node.identity.peer,
        agents: node.member.agents,
        addr: node.member.addr,
      })),
    }
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

/** Two meshes in one folder are mixed up sooner or later: nothing beside the new folders may belong to one. */
async function neighbours({ directory }: MeshPlan): Promise<string[]> {
  if (!(await exists(directory, dirname(directory)))) return []
  const names = await readdir(directory, { withFileTypes: true })
  return [directory, ...names.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name))]
}

interface PreparedNode {
  readonly member: PlannedMember
  readonly directory: DataDirectory
  readonly identity: Identity
  readonly account: Account
}

async function prepare(
  plan: MeshPlan,
  aside: string,
): Promise<{ manifest: OpenedManifest; nodes: readonly PreparedNode[] }> {
  const nodes: PreparedNode[] = []
  for (const [index, member] of plan.members.entries())
    nodes.push(await prepareNode(plan, member, dataDirectory(join(aside, String(index)))))
  const [first] = nodes
  if (first === undefined) throw new RangeError('a mesh needs a member')
  const owner = await createIdentity(first.directory.ownerKey, plan.randomBytes)
  const manifest = signFirstManifest({
    network: plan.network,
    owner,
    members: nodes.map((node) => ({
      member: memberOf(node),
      account: node.member.role === 'node' ? node.account : null,
      weight: 1,
    })),
    limits: { day: usd(plan.dailyUsd), month: usd(plan.monthlyUsd) },
    perAgentDaily: plan.perAgentDailyUsd === null ? null : usd(plan.perAgentDailyUsd),
    thresholds: {
      warning: Math.round(plan.thresholds.warning * 1000),
      critical: Math.round(plan.thresholds.critical * 1000),
    },
    clockSkewMs: CLOCK_SKEW_MS,
    prices: plan.prices,
    now: plan.now,
  })
  const secret = Buffer.from(plan.randomBytes(32)).toString('hex')
  for (const node of nodes) await writeMembership(plan, node, manifest, secret)
  return { manifest, nodes }
}

async function prepareNode(plan: MeshPlan, member: PlannedMember, directory: DataDirectory): Promise<PreparedNode> {
  await mkdir(directory.root, { recursive: true, mode: 0o700 })
  const identity = await createIdentity(directory.nodeKey, plan.randomBytes)
  const state = await openState({ directory: directory.state })
  try {
    const incarnation = await createAccount(state.room('budget'), { now: plan.now, randomBytes: plan.randomBytes })
    return { member, directory, identity, account: { peer: identity.peer, incarnation } }
  } finally {
    await state.close()
  }
}

function memberOf(node: PreparedNode): Member {
  return { peer: node.identity.peer, label: node.member.label, role: node.member.role, addrs: [node.member.addr] }
}

async function writeMembership(
  plan: MeshPlan,
  node: PreparedNode,
  manifest: OpenedManifest,
  secret: string,
): Promise<void> {
  const settings = {
    node_id: node.member.label,
    network_id: plan.network,
    agents: node.member.agents,
    ...node.member.settings,
  }
  await writeFile(node.directory.settings, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 })
  await writeFile(node.directory.networkSecret, `${secret}\n`, { mode: 0o600 })
  await writeMeshFile(node.directory.mesh, manifest)
}

function usd(amount: number): ReturnType<typeof parseUsd> {
  return parseUsd(String(amount))
}
