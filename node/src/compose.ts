import { randomBytes as systemRandomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type Agents, openAgents } from '@bzzz/agents'
import { type Budget, openBudget, parseUsd } from '@bzzz/budget'
import { type Mesh, openMesh } from '@bzzz/mesh'
import type { NodeCard, OpenedManifest, PeerId } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads, type Threads } from '@bzzz/threads'
import { blobSource } from './agents/blob-source.ts'
import { createAgentNews } from './agents/news.ts'
import { setUpAgents } from './agents/setup.ts'
import { createClosers } from './closers.ts'
import { ConfigError } from './config/errors.ts'
import type { Config } from './config/load.ts'
import { readPriceTable } from './config/prices.ts'
import { openSharedCounter } from './counter/shared-counter.ts'
import { openHttp } from './http/open.ts'
import { type Identity, readIdentity } from './identity/identity.ts'
import { type DataDirectory, dataDirectory } from './init/data-directory.ts'
import { readMeshFile } from './init/mesh-file.ts'
import { createReviews } from './reviews/reviews.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { version } from './version.ts'

/** A node that runs. */
export interface RunningNode {
  readonly peer: PeerId
  readonly label: string
  readonly urls: { readonly node: string; readonly agents: string }
  /** Bearer token of the local API. */
  readonly token: string
  addrs(): readonly string[]
  /** Resolves with the cause once a write to disk failed: nothing is taken from then on, and the node is to be restarted. */
  readonly frozen: Promise<unknown>
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
const CALL_TIMEOUT_MS = 600_000
/** Calls in hand may finish for so long while the node closes; then they count as uncertain. */
const CLOSE_PATIENCE_MS = 10_000

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
    const { manifest, mesh: meshId } = opened
    const label = labelOf(opened, identity)
    const secret = await readSecret(config, paths)
    const token = await localToken(config, paths)
    const prices = await readPriceTable(config.values.prices_file)
    await mkdir(paths.temporary, { recursive: true })
    const telemetry = createTelemetry({ node: label, level: config.values.log_level, to: 2, now })
    const { log, observe } = telemetry
    const startedMs = now()

    const frozen = Promise.withResolvers<unknown>()
    const state = await openState({ directory: paths.state, onFreeze: frozen.resolve })
    closers.add('state', () => state.close())

    const budget = await openBudget({
      room: state.room('budget'),
      manifest: opened,
      signer: identity,
      prices,
      now,
      randomBytes,
      localCaps: localCaps(config, opened, telemetry),
      observe: observe.budget,
    })
    closers.add('budget', () => budget.close())
    if (budget.rights === 'none')
      log.warn(
        { account: budget.account },
        'the manifest names no allotment for this ledger: calls that cost anything are refused here',
      )

    const isMember = (peer: PeerId) => manifest.members.some((member) => member.peer === peer)
    const threads = await openThreads({
      room: state.room('threads'),
      mesh: meshId,
      signer: identity,
      isMember,
      now,
      randomBytes,
      observe: observe.threads,
    })
    closers.add('threads', () => threads.close())

    const sleep = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal })
    const setup = await setUpAgents({ config, prices, temporaryDirectory: paths.temporary, env, now, sleep })
    const news = createAgentNews(now)

    let agents: Agents | undefined
    const card = (): NodeCard => ({
      v: 1,
      peer: identity.peer,
      label,
      incarnation: budget.account.incarnation,
      addrs: [],
      version,
      manifestVersion: manifest.version,
      startedMs,
      wallMs: now(),
      seq: now(),
      threads: threads.list().length,
      agents: agents?.cards() ?? [],
    })
    const mesh = await openMesh({
      mesh: meshId,
      network: manifest.network,
      privateKey: identity.seed,
      signer: identity,
      secret,
      listen: [`/ip4/${config.values.p2p_host}/tcp/${config.values.p2p_port}`],
      cacheDirectory: paths.cache,
      members: () => membersOf(opened, config),
      threads,
      card,
      now,
      observe: observe.mesh,
    })
    closers.add('mesh', () => mesh.close())
    closers.add('publishing', publishOwnEnvelopes(threads, mesh))
    closers.add('clocks', witnessClocks(budget, mesh, identity.peer))

    const livePeers = () => new Set(mesh.cards().flatMap((known) => (known.live ? [known.card.peer] : [])))
    agents = await openAgents({
      peer: identity.peer,
      threads,
      budget,
      providers: setup.providers,
      agents: setup.definitions,
      fetchBlob: blobSource(threads, mesh),
      livePeers,
      limits: {
        concurrency: CONCURRENT_TURNS,
        maxOutputTokens: config.values.openai_max_tokens,
        temperature: config.values.openai_temperature,
        callTimeoutMs: CALL_TIMEOUT_MS,
        attempts: ATTEMPTS,
      },
      now,
      sleep,
      observe: (fact) => {
        observe.agents(fact)
        news.observe(fact)
      },
    })
    closers.add('agents', closeAgents(agents))
    agents.subscribe(() => mesh.announce())
    mesh.announce()

    const counter = openSharedCounter({
      budget,
      mesh,
      manifest: opened,
      observe: (fact) => log.debug({ fact }, fact.type),
    })
    closers.add('counter', () => counter.close())

    telemetry.gauge({ threads, budget, mesh })
    const http = await openHttp({
      ports: {
        node: {
          peer: identity.peer,
          label,
          network: manifest.network,
          role: config.values.node_role ?? 'node',
          version,
          startedMs,
          thresholds: manifest.thresholds,
          condition: () => ({ store: state.condition, transport: 'up' }),
          model: () => ({ ...setup.model, ...news.calls() }),
        },
        threads,
        mesh,
        budget,
        counter,
        reviews: createReviews({
          peer: identity.peer,
          threads,
          mesh,
          prices,
          maxOutputTokens: config.values.openai_max_tokens,
          attempts: ATTEMPTS,
          now,
          randomBytes,
        }),
        turns: news,
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
    log.info(
      { peer: identity.peer, mesh: meshId, node: http.nodeUrl, agents: http.agentsUrl, addrs: mesh.addrs() },
      'up',
    )

    return {
      peer: identity.peer,
      label,
      urls: { node: http.nodeUrl, agents: http.agentsUrl },
      token,
      addrs: () => mesh.addrs(),
      frozen: frozen.promise,
      close: () => closers.close(),
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}

/** The name that the manifest gives this machine; not being named in it is told by the others, who let no stranger in. */
function labelOf({ manifest }: OpenedManifest, { peer }: Identity): string {
  const member = manifest.members.find((candidate) => candidate.peer === peer)
  if (member === undefined)
    throw new ConfigError(
      'CONFIG_INVALID',
      `the mesh ${manifest.network} has no member ${peer}; this data directory's key and manifest do not belong together`,
    )
  return member.label
}

async function readSecret({ values, provenance }: Config, paths: DataDirectory): Promise<Uint8Array> {
  const text = values.network_secret ?? (await readFile(paths.networkSecret, 'utf8')).trim()
  const from = values.network_secret === undefined ? paths.networkSecret : provenance.network_secret.from
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new ConfigError('CONFIG_INVALID', `${from}: the network secret must be 64 hexadecimal digits`)
  return Buffer.from(text, 'hex')
}

/** Made at the first start; the file may be read by its owner only, which is what lets the command line in. */
async function localToken({ values }: Config, paths: DataDirectory): Promise<string> {
  const kept = await readFile(paths.token, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const token = values.token ?? (kept.trim() === '' ? systemRandomBytes(32).toString('base64url') : kept.trim())
  if (token !== kept.trim()) await writeFile(paths.token, `${token}\n`, { mode: 0o600 })
  return token
}

/** A lower local limit caps this node at once; any difference to the mesh's is said. */
function localCaps(
  { values, provenance }: Config,
  { manifest }: OpenedManifest,
  { log }: Telemetry,
): { day?: ReturnType<typeof parseUsd>; month?: ReturnType<typeof parseUsd> } {
  const caps: { day?: ReturnType<typeof parseUsd>; month?: ReturnType<typeof parseUsd> } = {}
  for (const [dim, name] of [
    ['day', 'daily_limit'],
    ['month', 'monthly_limit'],
  ] as const) {
    const local = values[name]
    if (local === undefined) continue
    const amount = parseUsd(String(local))
    const limit = manifest.limits.find((candidate) => candidate.dim === dim)?.amount
    if (limit === amount) continue
    log.warn(
      { dim, local: String(amount), mesh: String(limit), from: provenance[name].from },
      limit !== undefined && amount < limit
        ? 'a lower local limit caps this node'
        : "a higher local limit has no effect: the mesh's limit holds",
    )
    caps[dim] = amount
  }
  return caps
}

/** Addresses of the manifest first, then those of BZZZ_BOOTSTRAP. */
function membersOf({ manifest }: OpenedManifest, { values }: Config) {
  return manifest.members.map(({ peer, label, addrs }) => ({
    peer,
    label,
    addrs: [
      ...addrs,
      ...values.bootstrap
        .filter((addr) => addr.endsWith(`/p2p/${peer}`))
        .map((addr) => addr.slice(0, addr.lastIndexOf('/p2p/'))),
    ],
  }))
}

function publishOwnEnvelopes(threads: Threads, mesh: Mesh): () => Promise<void> {
  const stop = threads.subscribe(({ own, envelope }) => {
    if (own) mesh.publish(envelope)
  })
  return async () => stop()
}

/** The others' cards say what time it is there: after a long absence a new period opens only once somebody agrees. */
function witnessClocks(budget: Budget, mesh: Mesh, self: PeerId): () => Promise<void> {
  const stop = mesh.subscribe((event) => {
    if (event.type === 'card' && event.card.peer !== self) budget.witnessTime(event.card.wallMs)
  })
  return async () => stop()
}

function closeAgents(agents: Agents): () => Promise<void> {
  return async () => {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), CLOSE_PATIENCE_MS)
    await agents.close({ signal: patience.signal })
    clearTimeout(timer)
  }
}

function portInUse(error: unknown, { values, provenance }: Config): ConfigError | undefined {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code !== 'EADDRINUSE') return undefined
  const name = port === values.http_port ? 'http_port' : 'mcp_port'
  return new ConfigError(
    'CONFIG_INVALID',
    `port ${port} is in use by another program (${name}, from ${provenance[name].from}); stop that one, or set another port`,
    { cause: error },
  )
}
