import { mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createAccount } from '@bzzz/budget'
import type { Asked } from '@bzzz/mesh'
import {
  type Incarnation,
  type Invite,
  type JoinAnswer,
  type OpenedManifest,
  openManifest,
  ProtocolError,
  peerIdFromPublicKey,
  sealJoinRequest,
  sha256,
  successionOf,
} from '@bzzz/protocols'
import { openState, syncDirectory } from '@bzzz/store'
import { ConfigError } from '../config/errors.ts'
import { type Identity, identityFromSeed, readIdentity } from '../identity/identity.ts'
import { dataDirectory } from '../init/data-directory.ts'
import { writeMeshFile } from '../init/mesh-file.ts'
import { exists, makeFolder, moveAll, refuseExisting } from '../init/put-in-place.ts'
import { keepNewest } from '../membership/chain.ts'
import { JoinError } from './join-error.ts'
import { withJoinLock } from './lock.ts'

export interface JoinPlan {
  /** Where the new member's data directory is made. */
  readonly directory: string
  readonly invite: Invite
  /** Where the others reach a node, without its id; none for a laptop. */
  readonly addrs: readonly string[]
  /** What goes into its bzzz.json besides its name and its mesh's. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Null: as the invitation says, or the mesh sees fit. */
  readonly label: string | null
  /** Carries the sealed request to the inviting node. */
  readonly ask: (request: Uint8Array) => Promise<Asked>
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
}

export interface Joined {
  readonly directory: string
  readonly peer: string
  readonly label: string
  readonly role: Invite['role']
  readonly newest: OpenedManifest
}

/**
 * Makes this machine a member of the mesh, as what the invitation says. Its key and its ledger are on disk before they are told to anybody, so the same
 * command after a crash, or a lost answer, goes on with them; all else is made aside and moved when it is complete.
 * @throws {JoinError} {ConfigError} ALREADY_INITIALISED
 */
export async function joinMesh(plan: JoinPlan): Promise<Joined> {
  const { root } = dataDirectory(plan.directory)
  const aside = join(root, `${ASIDE}${idOf(plan.invite)}`)
  if (!(await exists(aside, root))) await refuseExisting(root)
  const made = await makeFolder(root)
  try {
    return await withJoinLock(root, async () => {
      if (!(await exists(aside, root))) await refuseExisting(root) // another join may have come to its end meanwhile
      return await joinOrGiveUp(aside, plan)
    })
  } catch (error) {
    if (made !== undefined) await removeEmpty(root, made)
    throw error
  }
}

async function joinOrGiveUp(aside: string, plan: JoinPlan): Promise<Joined> {
  try {
    return await joinFrom(aside, plan)
  } catch (error) {
    // An answer may be lost: only what was refused is given up, with the key that nobody will see again.
    if (!mayHaveJoined(error)) await rm(aside, { recursive: true, force: true })
    throw error
  }
}

/** From a folder up to the uppermost; what anybody has put there meanwhile stays, and so do the folders above it. */
async function removeEmpty(folder: string, uppermost: string): Promise<void> {
  try {
    await rmdir(folder)
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return
    throw error
  }
  if (folder !== uppermost) await removeEmpty(dirname(folder), uppermost)
}

const ASIDE = '.join-'

/** A join that was stopped left its key there, with which the same invitation goes on. */
export async function hasUnfinishedJoin(root: string): Promise<boolean> {
  if (!(await exists(root, root))) return false
  return (await readdir(root)).some((name) => name.startsWith(ASIDE))
}

function mayHaveJoined(error: unknown): boolean {
  return !(error instanceof JoinError) || error.code === 'UNREACHED' || error.code === 'UNABLE'
}

/** Tells two invitations apart, and says nothing of their seeds. */
function idOf({ seed }: Invite): string {
  return Buffer.from(sha256('bzzz/join-folder/1\0', seed)).toString('hex').slice(0, 16)
}

async function joinFrom(aside: string, plan: JoinPlan): Promise<Joined> {
  await mkdir(aside, { recursive: true, mode: 0o700 })
  const identity = await pendingIdentity(join(aside, 'pending.key'), plan.randomBytes)
  const target = dataDirectory(plan.directory)
  const inPlace = await isInPlace(target.nodeKey, identity)
  const state = inPlace ? target.state : await pendingState(aside, target.state)
  const incarnation = await accountIn(state, plan)
  const request = requestOf(plan, incarnation, identity)
  const { first, newest, label } = membershipIn(await plan.ask(request), plan.invite, identity)
  if (!inPlace) {
    await prepare(join(aside, '0'), { plan, identity, state, first, newest, label })
    await moveAll([target.root], aside)
  }
  await rm(aside, { recursive: true, force: true })
  return { directory: target.root, peer: identity.peer, label, role: plan.invite.role, newest }
}

function requestOf({ invite, label, addrs }: JoinPlan, incarnation: Incarnation, identity: Identity): Uint8Array {
  const { role, mesh, seed } = invite
  const own = role === 'node' ? { incarnation, addrs } : { incarnation: null, addrs: [] }
  return sealJoinRequest({ invite: identityFromSeed(seed).peer, role, label, ...own }, mesh, identity)
}

/** Where an earlier try left the ledger whose incarnation it may have told: a new one would be another account, without rights. */
async function pendingState(aside: string, target: string): Promise<string> {
  const state = join(aside, 'state')
  for (const left of [dataDirectory(join(aside, '0')).state, target]) {
    if (!(await exists(state, aside)) && (await exists(left, aside))) await rename(left, state)
  }
  return state
}

/** On disk for good when it resolves. */
async function accountIn(directory: string, { now, randomBytes }: JoinPlan): Promise<Incarnation> {
  const state = await openState({ directory })
  try {
    return await createAccount(state.room('budget'), { now, randomBytes })
  } finally {
    await state.close()
  }
}

/** On disk for good when it resolves: a key that is lost after it was told has used the invitation up. */
async function pendingIdentity(path: string, randomBytes: (length: number) => Uint8Array): Promise<Identity> {
  if (await exists(path, dirname(path))) return await readIdentity(path)
  const seed = randomBytes(32)
  const file = await open(`${path}.new`, 'w', 0o600)
  await file.writeFile(`${Buffer.from(seed).toString('hex')}\n`).finally(() => file.sync().finally(() => file.close()))
  await rename(`${path}.new`, path)
  for (const folder of [dirname(path), dirname(dirname(path))]) await syncDirectory(folder)
  return identityFromSeed(seed)
}

/** A crash after the last move leaves the aside folder behind. @throws {ConfigError} when another node's key lies there */
async function isInPlace(path: string, identity: Identity): Promise<boolean> {
  if (!(await exists(path, dirname(path)))) return false
  if ((await readFile(path, 'utf8')).trim() === Buffer.from(identity.seed).toString('hex')) return true
  throw new ConfigError(
    'ALREADY_INITIALISED',
    `${dirname(path)} already belongs to a mesh (${path} is there); name another directory`,
  )
}

interface Taken {
  readonly first: OpenedManifest
  readonly newest: OpenedManifest
  readonly label: string
}

/** @throws {JoinError} */
function membershipIn(asked: Asked, { mesh, addrs, role }: Invite, identity: Identity): Taken {
  if (asked.status === 'unreached') {
    const words = asked.known
      ? `cannot reach the inviting node (${asked.reason}); see that it is up and that this machine reaches ${addrs.join(' or ')}, then run this again`
      : `the inviting node hung up (${asked.reason}): it does not know the invitation, or not any more; ask for a new one`
    throw new JoinError('UNREACHED', words)
  }
  const { answer } = asked
  if (answer.t === 'refused') throw new JoinError(answer.code, answer.reason)
  return openTaken(answer, { mesh, role }, identity)
}

function openTaken(
  answer: Extract<JoinAnswer, { t: 'joined' }>,
  { mesh, role }: Pick<Invite, 'mesh' | 'role'>,
  { publicKey }: Identity,
): Taken {
  try {
    const first = openManifest(answer.first, 'first')
    const newest = openManifest(answer.newest, first.mesh)
    const { status } = successionOf({ first, newest: first }, newest)
    const peer = peerIdFromPublicKey(publicKey)
    const member = newest.manifest.members.find((candidate) => candidate.peer === peer)
    if (first.mesh !== mesh || status !== 'newer') throw new JoinError('BAD_ANSWER', 'the answer is of another mesh')
    if (member?.role !== role) throw new JoinError('BAD_ANSWER', `the answer does not name this machine as a ${role}`)
    return { first, newest, label: member.label }
  } catch (error) {
    if (error instanceof ProtocolError) throw new JoinError('BAD_ANSWER', `the answer is no manifest: ${error.message}`)
    throw error
  }
}

interface Prepared extends Taken {
  readonly plan: JoinPlan
  readonly identity: Identity
  /** Folder of the database with its ledger, moved into place with the rest. */
  readonly state: string
}

async function prepare(folder: string, prepared: Prepared): Promise<void> {
  const { plan, identity, first, newest, label } = prepared
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  const paths = dataDirectory(folder)
  const state = await openState({ directory: prepared.state })
  try {
    await keepNewest(state.room('membership'), newest)
  } finally {
    await state.close()
  }
  const settings = { node_id: label, network_id: plan.invite.network, ...plan.settings }
  const secret = Buffer.from(plan.invite.secret).toString('hex')
  const onlyFile = { mode: 0o600, flush: true }
  await writeFile(paths.settings, `${JSON.stringify(settings, null, 2)}\n`, onlyFile)
  await writeFile(paths.networkSecret, `${secret}\n`, onlyFile)
  await writeFile(paths.nodeKey, `${Buffer.from(identity.seed).toString('hex')}\n`, onlyFile)
  await writeMeshFile(paths.mesh, first, plan.invite.role)
  await rename(prepared.state, paths.state)
}
