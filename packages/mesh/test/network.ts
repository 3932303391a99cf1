import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Incarnation,
  type MeshId,
  type NodeCard,
  newThreadId,
  type PeerId,
  peerIdFromPublicKey,
  type Signer,
  sha256,
  type ThreadId,
} from '@bzzz/protocols'
import { vi } from 'vitest'
import {
  type Mesh,
  type MeshFact,
  type MeshMember,
  type MeshOptions,
  type MeshTimings,
  openMesh,
} from '../src/index.ts'
import { MemoryThreads } from './memory-threads.ts'

export const MESH = Buffer.from(sha256('mesh of the tests')).toString('hex') as MeshId
export const INCARNATION = '0123456789abcdef0123456789abcdef' as Incarnation
const SECRET = Buffer.alloc(32, 7)
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410 §7

/** Short enough to see the effects of time, long enough for a loaded machine. */
const QUICK: Partial<MeshTimings> = {
  graceMs: 300,
  redialFirstMs: 50,
  redialMostMs: 400,
  repairMs: 300,
  cardMs: 500,
  membersMs: 100,
  manifestMs: 100,
}

export interface Identity {
  readonly seed: Uint8Array
  readonly signer: Signer
}

/** A key pair from a name: the same in every run. */
export function identityOf(name: string): Identity {
  const seed = sha256('identity of the tests', name)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  const signer: Signer = {
    peer: peerIdFromPublicKey(publicKey),
    publicKey,
    sign: (message) => sign(null, message, key),
  }
  return { seed, signer }
}

/** Names in the order of their peer ids: the first of them dials the others. */
export function namesInOrder(...names: string[]): string[] {
  return names.toSorted((a, b) => (identityOf(a).signer.peer < identityOf(b).signer.peer ? -1 : 1))
}

export function threadNamed(name: string): ThreadId {
  return newThreadId(1_700_000_000_000, sha256('thread of the tests', name))
}

export interface TestNode {
  readonly name: string
  readonly peer: PeerId
  readonly signer: Signer
  readonly mesh: Mesh
  readonly threads: MemoryThreads
  readonly facts: MeshFact[]
  /** TCP port it listens on. */
  readonly port: number
}

export interface NodeOptions
  extends Partial<
    Pick<
      MeshOptions,
      'secret' | 'listen' | 'timings' | 'mesh' | 'follows' | 'joins' | 'manifest' | 'card' | 'budget' | 'onSlot'
    >
  > {
  /** Project of a thread, once anything of it is here. */
  readonly projectOf?: (thread: ThreadId) => string
  /** A log that outlived an earlier run of the node. */
  readonly threads?: MemoryThreads
  readonly memberAddrs?: (peer: PeerId) => string[]
}

/** Meshes in one process, over TCP on loopback. Every node that was opened is a member, unless it was taken off. */
export class Network {
  readonly members = new Map<PeerId, MeshMember>()
  readonly #directories = new Map<string, string>()
  readonly #open = new Set<Mesh>()

  /** Opens several, each of which knows the addresses of those before it. */
  async nodes(names: readonly string[], options: NodeOptions = {}): Promise<TestNode[]> {
    const nodes: TestNode[] = []
    for (const name of names) this.enlist(name)
    for (const name of names) nodes.push(await this.node(name, options))
    return nodes
  }

  enlist(name: string, addrs: string[] = []): PeerId {
    const { peer } = identityOf(name).signer
    const role = this.members.get(peer)?.role ?? 'node'
    this.members.set(peer, { peer, label: name, role, addrs })
    return peer
  }

  async node(name: string, options: NodeOptions = {}): Promise<TestNode> {
    const { seed, signer } = identityOf(name)
    const threads = options.threads ?? new MemoryThreads(MESH, signer)
    if (options.projectOf !== undefined) threads.projectOf = options.projectOf
    const facts: MeshFact[] = []
    const mesh = await openMesh({
      mesh: options.mesh ?? MESH,
      network: 'tests',
      privateKey: seed,
      signer,
      secret: options.secret === undefined ? SECRET : options.secret,
      listen: options.listen ?? ['/ip4/127.0.0.1/tcp/0'],
      cacheDirectory: await this.directoryOf(name),
      members: () => {
        const addrsOf = options.memberAddrs
        const members = [...this.members.values()]
        return addrsOf === undefined ? members : members.map((member) => ({ ...member, addrs: addrsOf(member.peer) }))
      },
      threads,
      ...(options.follows === undefined ? {} : { follows: options.follows }),
      ...(options.joins === undefined ? {} : { joins: options.joins }),
      ...(options.onSlot === undefined ? {} : { onSlot: options.onSlot }),
      ...(options.budget === undefined ? {} : { budget: options.budget }),
      ...(options.manifest === undefined ? {} : { manifest: options.manifest }),
      card: options.card ?? (() => cardOf(signer.peer, name)),
      now: Date.now,
      timings: { ...QUICK, ...options.timings },
      observe: (fact) => facts.push(fact),
    })
    this.#open.add(mesh)
    const address = mesh.addrs()[0] ?? ''
    const known = this.members.get(signer.peer)
    // the manifest keeps its first address: a node that moved has to be found without it
    if (known?.addrs.length === 0) this.enlist(name, [address])
    return { name, peer: signer.peer, signer, mesh, threads, facts, port: Number(/tcp\/(\d+)/.exec(address)?.[1]) }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((mesh) => mesh.close()))
    for (const directory of this.#directories.values()) await rm(directory, { recursive: true, force: true })
  }

  /** For the cache; the same for all runs of a node. */
  async directoryOf(name: string): Promise<string> {
    const known = this.#directories.get(name)
    if (known !== undefined) return known
    const directory = await mkdtemp(join(tmpdir(), 'bzzz-mesh-'))
    this.#directories.set(name, directory)
    return directory
  }
}

const STARTED_MS = 1_700_000_000_000

export function cardOf(peer: PeerId, label: string): NodeCard {
  return {
    v: 1,
    peer,
    label,
    incarnation: INCARNATION,
    boot: { counter: 1, nonce: INCARNATION },
    spare: [],
    addrs: [],
    version: '0.1.0',
    manifestVersion: 1,
    startedMs: STARTED_MS,
    wallMs: STARTED_MS,
    seq: Date.now(),
    threads: 0,
    agents: [],
  }
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean, timeout = 20_000): Promise<void> {
  await vi.waitUntil(condition, { timeout, interval: 10 })
}

export function stateOf(node: TestNode, peer: PeerId): string | undefined {
  return node.mesh.peers().find((status) => status.peer === peer)?.state
}

/** Every node has every other online. */
export function allOnline(nodes: readonly TestNode[]): boolean {
  return nodes.every((node) => nodes.every((other) => other === node || stateOf(node, other.peer) === 'online'))
}

export function factsOf<T extends MeshFact['type']>(node: TestNode, type: T): Extract<MeshFact, { type: T }>[] {
  return node.facts.filter((fact): fact is Extract<MeshFact, { type: T }> => fact.type === type)
}
