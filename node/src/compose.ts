import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Agents, openAgents } from '@bzzz/agents'
import { openBudget } from '@bzzz/budget'
import { openMesh } from '@bzzz/mesh'
import { type NodeCard, type PeerId, signedVersion } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads } from '@bzzz/threads'
import { blobSource } from './agents/blob-source.ts'
import { openFinished } from './agents/finished.ts'
import { createAgentNews } from './agents/news.ts'
import { setUpAgents } from './agents/setup.ts'
import { refuseLeft, refuseRemoved } from './budget/leave.ts'
import { openMarkerFile } from './budget/marker.ts'
import { openOffice } from './budget/office.ts'
import { openOwner } from './budget/owner.ts'
import { openSightings } from './budget/sightings.ts'
import { wireAlerts } from './budget/wire-alerts.ts'
import { createBudgetWires } from './budget/wires.ts'
import { createClosers } from './closers.ts'
import type { Config } from './config/load.ts'
import {
  labelOf,
  limitNow,
  limitWarning,
  localLimits,
  membersOf,
  probableLabel,
  reachedAt,
  refuseAgents,
} from './config/membership.ts'
import { cannotListen, checkPorts, portInUse } from './config/ports.ts'
import { readPriceTable } from './config/prices.ts'
import { openClosedSlots } from './counter/closed-slots.ts'
import { openSharedCounter, type SharedCounter } from './counter/shared-counter.ts'
import { Following, readFollows } from './following/following.ts'
import { openHttp } from './http/open.ts'
import { localToken, readSecret } from './identity/credentials.ts'
import { readIdentity } from './identity/identity.ts'
import { dataDirectory } from './init/data-directory.ts'
import { readMeshFile } from './init/mesh-file.ts'
import { knownAccounts } from './membership/accounts.ts'
import { openInvites } from './membership/invites.ts'
import { openMembership } from './membership/membership.ts'
import { readOwnerKey } from './membership/owner-key.ts'
import { createReviews } from './reviews/reviews.ts'
import { openGateway } from './sync/gateway.ts'
import { openSyncTokens } from './sync/tokens.ts'
import { createTelemetry } from './telemetry/telemetry.ts'
import { verifyState } from './verify-state.ts'
import { version } from './version.ts'
import { closeAgents, publishOwnEnvelopes, witnessClocks } from './wires.ts'

/** A node that runs. */
export interface RunningNode {
  readonly peer: PeerId
  readonly label: string
  /** As the manifest has it. */
  readonly role: 'node' | 'laptop'
  readonly urls: { readonly node: string; readonly agents: string }
  /** Bearer token of the local API. */
  readonly token: string
  addrs(): readonly string[]
  /** Resolves with the cause once a write to disk failed: nothing is taken from then on, and the node is to be restarted. */
  readonly frozen: Promise<unknown>
  /** Resolves when it has left its mesh: it is to be closed then. */
  readonly left: Promise<void>
  /** Doors first, then turns, wires, books and last the database; every one is tried. Idempotent. */
  close(): Promise<void>
}

export interface Outside {
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Turns of one agent at the same time. */
const CONCURRENT_TURNS = 3
/** Provider requests per step of a turn. */
const ATTEMPTS = 3

/** Somebody waits for a thread that peers have to bring. */
const FETCH_MS = 10_000

/**
 * Opens the rooms from the ground up and wires them; nothing else in the program knows them all. When one does not open,
 * those that did are closed again.
 */
export async function openNode(config: Config, { now, randomBytes, env }: Outside): Promise<RunningNode> {
  const closers = createClosers()
  try {
    const paths = dataDirectory(config.dataDirectory)
    const identity = await readIdentity(paths.nodeKey)
    const opened = await readMeshFile(paths.mesh)
    const { mesh: meshId } = opened
    const secret = await readSecret(config, paths)
    const token = await localToken(config, paths)
    const prices = await readPriceTable(config.values)
    await mkdir(paths.temporary, { recursive: true })
    const telemetry = createTelemetry({
      node: probableLabel(opened, identity.peer, config),
      level: config.values.log_level,
      to: 2,
      now,
    })
    const { log, observe } = telemetry
    const startedMs = now()

    const frozen = Promise.withResolvers<unknown>()
    const verify = verifyState(meshId, { log, now })
    const state = await openState({ directory: paths.state, onFreeze: frozen.resolve, verify })
    closers.add('state', () => state.close())
    await checkPorts(config)

    const membershipRoom = state.room('membership')
    const membership = await openMembership({ room: membershipRoom, first: opened, observe: observe.membership })
    await refuseLeft(membershipRoom, opened.manifest.network)
    refuseRemoved(membership, identity.peer)
    const { newest } = membership
    const label = labelOf(newest(), identity.peer)
    const isLaptop = membership.isLaptop(identity.peer)
    if (isLaptop) refuseAgents(config)
    const marker = await openMarkerFile(paths.ledgerMark)
    closers.add('marker', () => marker.close())
    const local = localLimits(config, newest(), now())
    for (const { fields, words } of local.map(limitWarning)) log.warn(fields, words)
    const budget = await openBudget({
      room: state.room('budget'),
      marker,
      manifest: newest,
      contested: membership.contested,
      signer: identity,
      prices,
      now,
      randomBytes,
      localCaps: Object.fromEntries(local.map(({ dim, amount }) => [dim, amount])),
      reachable: (period) => wires.reachable(period),
      observe: observe.budget,
    })
    closers.add('budget', () => budget.close())
    const wires = createBudgetWires({ budget, now, observe: observe.wires })
    const sightings = await openSightings({
      room: state.room('sightings'),
      mesh: meshId,
      budget,
      now,
      observe: observe.sightings,
    })
    const ownerKey = () => readOwnerKey(config.values.owner_key_file ?? paths.ownerKey, opened)
    const owner = await openOwner({
      ...{ mesh: meshId, room: membershipRoom, membership, owner: ownerKey, now, observe: observe.office },
      clockDoubt: budget.clockDoubt,
      account: isLaptop ? null : budget.account,
    })
    closers.add('owner', () => owner.close())
    const invites = await openInvites({
      ...{ room: membershipRoom, membership, self: identity.peer, secret, now, randomBytes },
      ...{ owner: ownerKey, sign: owner.sign },
      addrs: () => reachedAt(newest(), identity.peer, mesh.addrs()),
    })
    const { standstill } = budget.report()
    if (standstill !== undefined) log.warn({ account: budget.account }, `no model call is made: ${standstill}`)

    const threads = await openThreads({
      room: state.room('threads'),
      mesh: meshId,
      signer: identity,
      isMember: membership.isMember,
      now,
      randomBytes,
      snapshots: { directory: join(paths.cache, 'snapshots') },
      observe: observe.threads,
    })
    closers.add('threads', () => threads.close())

    const sleep = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal })
    const setup = await setUpAgents({
      config,
      prices,
      temporaryDirectory: paths.temporary,
      env,
      now,
      sleep,
      onServerTime: budget.witnessTime,
    })
    const news = createAgentNews(now)

    let agents: Agents | undefined
    let counter: SharedCounter | undefined
    const card = (): NodeCard => ({
      v: 1,
      peer: identity.peer,
      label,
      incarnation: budget.account.incarnation,
      boot: budget.boot,
      spare: isLaptop ? [] : budget.spare(),
      addrs: [],
      version,
      manifestVersion: newest().manifest.version,
      startedMs,
      wallMs: now(),
      seq: now(),
      threads: threads.list().length,
      agents: agents?.cards() ?? [],
    })
    const followingRoom = state.room('following')
    const { projects } = config.values
    const follows = await readFollows({ room: followingRoom, projects, threads, signer: identity })
    const mesh = await openMesh({
      mesh: meshId,
      network: opened.manifest.network,
      privateKey: identity.seed,
      signer: identity,
      secret,
      listen: [`/ip4/${config.values.p2p_host}/tcp/${config.values.p2p_port}`],
      cacheDirectory: paths.cache,
      members: () => membersOf(newest(), config),
      manifest: {
        newest: () => ({ version: newest().manifest.version, bytes: newest().bytes }),
        receive: membership.receive,
        versionOf: (bytes) => signedVersion(bytes, opened),
        wasMember: membership.wasMember,
        subscribe: membership.subscribe,
      },
      joins: invites,
      budget: sightings.watching(wires.port),
      onSlot: (slot) => {
        counter?.hear(slot)
        sightings.hear(slot)
      },
      threads,
      follows,
      card,
      now,
      observe: observe.mesh,
    }).catch((error) => {
      throw cannotListen(error, config) ?? error
    })
    closers.add('mesh', () => mesh.close())
    const accounts = knownAccounts({ membership, mesh, account: budget.account })
    if (accounts.adoptionsDue().includes(label))
      log.warn(
        { account: budget.account },
        `the manifest names no allotment for this ledger: this node spends what the others grant it, until "bzzz budget adopt ${label}" is said where the mesh owner's key is`,
      )
    wires.connect(mesh)
    sightings.connect(mesh)
    closers.add('watching', () => sightings.close())
    const stopTerms = membership.subscribe(() => wires.look())
    closers.add('wires', () => wires.close())
    closers.add('terms', async () => stopTerms())
    const following = new Following({
      room: followingRoom,
      follows,
      threads,
      mesh,
      peer: identity.peer,
      fetchMs: FETCH_MS,
      onLost: (error) => log.error({ err: error }, 'a followed thread was not remembered'),
    })
    closers.add('following', () => following.close())
    closers.add('publishing', publishOwnEnvelopes(threads, mesh))
    closers.add('clocks', witnessClocks(budget, mesh, identity.peer))

    const closed = await openClosedSlots({
      ...{ room: state.room('closed'), mesh: meshId, now },
      onError: (error) => log.error({ err: error }, 'the last word of a node that left was not kept'),
    })
    closers.add('closed slots', closed.close)
    // Before the agents, so that what they settle while they close is published too.
    counter = openSharedCounter({
      budget,
      mesh: sightings.reading(mesh),
      manifest: newest,
      closed,
      now,
      observe: (fact) => log.debug({ fact }, fact.type),
    })
    const { hear, close: closeCounter } = counter
    closers.add('counter', closeCounter)
    wires.hooks.onSlot = async (slot) => hear(slot)
    const alerts = await wireAlerts({
      ...{
        room: state.room('alerts'),
        mesh,
        meshId,
        signer: identity,
        manifest: newest,
        budget,
        counter,
        hooks: wires.hooks,
      },
      tells: !isLaptop,
      now,
      observe: observe.alerts,
    })
    closers.add('alerts', () => alerts.close())

    const livePeers = () => new Set(mesh.cards().flatMap((known) => (known.live ? [known.card.peer] : [])))
    agents = await openAgents({
      peer: identity.peer,
      threads,
      budget: wires.forTurns,
      finished: await openFinished(state.room('finished'), threads),
      providers: setup.providers,
      agents: setup.definitions,
      fetchBlob: blobSource(threads, mesh),
      isLaptop: membership.isLaptop,
      livePeers,
      limits: {
        concurrency: CONCURRENT_TURNS,
        maxOutputTokens: config.values.openai_max_tokens,
        temperature: config.values.openai_temperature,
        callTimeoutMs: config.values.model_timeout,
        attempts: ATTEMPTS,
      },
      now,
      sleep,
      observe: (fact) => {
        observe.agents(fact)
        news.observe(fact)
      },
      tokens: (frame) => mesh.tellTokens(frame),
    })
    closers.add('agents', closeAgents(agents))
    agents.subscribe(() => mesh.announce())
    mesh.announce()

    const stopTurns = closeAgents(agents)
    const office = openOffice({
      ...{ room: membershipRoom, membership, owner, ownerKey, budget, mesh, counter, hooks: wires.hooks, isLaptop },
      ...{ stopTurns, now, observe: observe.office },
    })
    closers.add('office', () => office.close())
    const left = Promise.withResolvers<void>()

    telemetry.gauge({ threads, budget, mesh })
    const sync = openGateway({
      mesh: meshId,
      signer: identity,
      threads,
      publish: (envelope, thread) => mesh.publish(envelope, { thread, opening: false }),
      bring: (thread) => following.bring(thread),
      tokens: await openSyncTokens({ room: state.room('sync'), now, randomBytes }),
      now,
      observe: observe.sync,
    })
    closers.add('sync', () => sync.close())
    const http = await openHttp({
      ports: {
        node: {
          peer: identity.peer,
          label,
          network: opened.manifest.network,
          role: isLaptop ? 'laptop' : (config.values.node_role ?? 'node'),
          version,
          startedMs,
          get thresholds() {
            return newest().manifest.thresholds
          },
          get restored() {
            return newest().manifest.restored
          },
          manifestVersion: () => newest().manifest.version,
          condition: () => ({ store: state.condition, transport: 'up' }),
          model: () => ({ ...setup.model, ...news.calls() }),
        },
        accounts,
        threads,
        mesh,
        budget,
        counter,
        rights: wires,
        alerts,
        following,
        reviews: createReviews({
          peer: identity.peer,
          threads,
          mesh,
          prices,
          dayLimit: () => limitNow(newest(), 'day', now()),
          isLaptop: membership.isLaptop,
          maxOutputTokens: config.values.openai_max_tokens,
          attempts: ATTEMPTS,
          now,
          randomBytes,
        }),
        turns: news,
        invites,
        manifest: {
          ...office,
          async leave() {
            const done = await office.leave()
            left.resolve()
            return done
          },
        },
        sync,
        metrics: telemetry.registry,
      },
      host: config.values.http_host,
      nodePort: config.values.http_port,
      agentsPort: config.values.mcp_port,
      token,
      now,
      randomBytes,
      observe: observe.http,
    }).catch((error) => {
      throw portInUse(error, config) ?? error
    })
    closers.add('http', () => http.close())
    closers.add('laptops', () => sync.close()) // before the door, which waits for its sockets
    log.info(
      { peer: identity.peer, mesh: meshId, node: http.nodeUrl, agents: http.agentsUrl, addrs: mesh.addrs() },
      'up',
    )

    return {
      peer: identity.peer,
      label,
      role: isLaptop ? 'laptop' : 'node',
      urls: { node: http.nodeUrl, agents: http.agentsUrl },
      token,
      addrs: () => mesh.addrs(),
      frozen: frozen.promise,
      left: left.promise,
      close: () => closers.close(),
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
