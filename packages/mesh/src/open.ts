import {
  type BudgetThing,
  type PeerId,
  ProtocolError,
  repairProtocol,
  type SeqVector,
  type ThreadId,
} from '@bzzz/protocols'
import type { Connection, Stream } from '@libp2p/interface'
import { BlobFetcher } from './blobs/fetch.ts'
import { createBlobServer } from './blobs/serve.ts'
import { askGrant } from './budget/ask.ts'
import { Announcer } from './cards/announcer.ts'
import { Cards } from './cards/cards.ts'
import { MeshError } from './errors.ts'
import type { Observe } from './facts.ts'
import { Outbox } from './gossip/outbox.ts'
import { joinTopics } from './gossip/topics.ts'
import { openHost, peerOf } from './host/host.ts'
import { forMembers } from './host/members-only.ts'
import { InHand } from './in-hand.ts'
import { serveJoins } from './join/serve.ts'
import type { Link } from './link/link.ts'
import { Links } from './link/links.ts'
import { ManifestExchange } from './manifest/exchange.ts'
import { Formers } from './manifest/formers.ts'
import { ManifestRecord } from './manifest/record.ts'
import { membershipOf } from './members.ts'
import type { Mesh, MeshEvent, MeshOptions } from './mesh.ts'
import { Peers } from './peers.ts'
import { Interest, isProject } from './projects/interest.ts'
import { createRecords } from './records/records.ts'
import { recordRules } from './records/rules.ts'
import { ColdJoins } from './repair/cold.ts'
import { fetchFromEach, fetchParts } from './repair/fetch.ts'
import { Holders } from './repair/holders.ts'
import { Receiver } from './repair/receiver.ts'
import { Rounds } from './repair/rounds.ts'
import { Dials } from './roster/dials.ts'
import { Faults } from './roster/faults.ts'
import { Opener } from './roster/opener.ts'
import { Roster } from './roster/roster.ts'
import { Session } from './session.ts'
import { DEFAULT_TIMINGS } from './timings.ts'
import { Tokens } from './tokens/tokens.ts'

/**
 * Resolves once this node listens; peers come when they come.
 * @throws {MeshError} WRONG_KEY, CACHE_FAILED or LISTEN_FAILED
 */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  const { mesh, signer, threads, now } = options
  const self = signer.peer
  const timings = { ...DEFAULT_TIMINGS, ...options.timings }
  const members = membershipOf(options.members, self)
  const dials = new Dials()
  const closing = new AbortController()
  const faults = new Faults({ ...timings, onShunned })
  const observe: Observe = (fact) => {
    options.observe?.(fact)
    faults.watch(fact)
  }
  const onRefused = (code: string, reason: string): void => observe({ type: 'record-refused', code, reason })
  const { manifest: port, onSlot } = options
  const manifestVersion = port && ((bytes: Uint8Array) => port.versionOf(bytes))
  const inHand = new InHand()
  const formers = port && new Formers({ port, ...timings, inHand, observe })
  const rules = recordRules({ mesh, isMember: members.has, manifestVersion, now, onRefused, onSlot })
  const listeners = new Set<(event: MeshEvent) => void>()
  const tell = (event: MeshEvent): void => {
    for (const listener of listeners) listener(event)
  }

  const { host, close: closeHost } = await openHost({
    ...options,
    dialMs: timings.dialMs,
    isMember: members.has,
    isShunned: (peer) => faults.leftMs(peer as PeerId) > 0,
    isInvited: (peer) => options.joins?.knows(peer) ?? false,
    isToBeTold: (peer) => formers?.letsIn(peer) ?? false,
    dials,
    onStranger: (peer, address) => observe({ type: 'stranger-refused', peer, address }),
    rules: { ...rules, onRefused, now },
  })
  if (host.peerId.toString() !== self) {
    await closeHost()
    throw new MeshError('WRONG_KEY', `the private key is of ${host.peerId.toString()}, the signer is ${self}`)
  }

  const addrs = (): string[] => host.getMultiaddrs().map(String)
  const cards = new Cards({
    mesh,
    signer,
    own: options.card,
    ownAddrs: addrs,
    roleOf: (peer) => members.find(peer)?.role,
    leaseMs: timings.cardLeaseMs,
    now,
    onNews(card) {
      tell({ type: 'card', card })
      exchange?.compare(card.peer)
    },
  })
  const links = new Links({ self, onUp, onDown })
  const exchange =
    options.manifest === undefined
      ? undefined
      : new ManifestExchange({ port: options.manifest, links, versionOf: (peer) => cards.versionOf(peer) })
  const peers = new Peers({ members, links, cardAddrs: (peer) => cards.addrsOf(peer) })
  const sessions = new WeakMap<Link, Session>()
  const followsTold = new WeakMap<Link, number>()
  const receiver = new Receiver({
    threads,
    inHand,
    observe,
    onHeld: (peer, thread) => {
      const link = links.get(peer)
      if (link !== undefined) sessions.get(link)?.pull.want(thread)
    },
    onApplied: (thread) => {
      learnTag(thread)
      tokens.retune(thread)
    },
  })
  const topics = joinTopics({
    mesh,
    pubsub: host.services.pubsub,
    isMember: members.has,
    onEnvelopes: (from, envelopes) => receiver.offer(from, 'gossip', envelopes),
    onCard: (card) => cards.learn(card),
    closing: closing.signal,
    observe,
  })
  const holders = new Holders()
  const interest: Interest = new Interest({
    follows: options.follows ?? { projects: null, threads: [] },
    threads,
    onProject: (tag) => topics.joinProject(tag),
  })
  const tokens = new Tokens({
    mesh,
    signer,
    pubsub: host.services.pubsub,
    tagOf: (thread) => interest.tagOf(thread),
    isMember: members.has,
    observe,
  })
  const all = (): Link[] => links.all()
  const rounds = new Rounds({
    threads,
    links: all,
    tagOf: learnTag,
    tellFirst: tellFollows,
    everyMs: timings.repairMs,
    observe,
  })
  const outbox = new Outbox({
    topics,
    links: all,
    tagOf: (thread) => {
      const tag = learnTag(thread)
      return isProject(tag) ? tag : null
    },
    follows: (link, thread) => sessions.get(link)?.peerFollows(thread) ?? true,
    observe,
  })
  const announcer = new Announcer({ cards, topics, links: all, everyMs: timings.cardMs })
  const blobs = new BlobFetcher({ links: all, closing: closing.signal, observe })
  const cold = new ColdJoins()
  const serveBlob = createBlobServer({
    get: async (hash) => (await threads.snapshots.get(hash)) ?? (await threads.blobs.get(hash)),
  })
  const records = createRecords({
    dht: host.services.dht,
    rules,
    timeoutMs: timings.recordMs,
    closing: closing.signal,
    observe,
  })

  const manifestRecord = port && new ManifestRecord({ mesh, port, records, timings, closing: closing.signal, observe })

  const learn = (peer: PeerId, card: Uint8Array): void => void cards.learn(card, peer)
  const opener = new Opener({
    mesh,
    host,
    dials,
    timings,
    now,
    closing: closing.signal,
    ownCard: () => cards.sealOwn(),
    learn,
    takeFarewell,
    observe,
  })

  function admit(link: Link): void {
    const session = new Session(link, {
      ...{ threads, receiver, interest, holders, cold, blobs, inHand, serveBlob, learn, observe },
      takeManifest: async (manifest, from) => options.manifest?.receive(manifest, from),
      budget: { port: options.budget, takesPart },
    })
    sessions.set(link, session)
    links.add(link)
    link.listen((word) => session.take(word))
    tellFollows(link)
    exchange?.compare(link.peer)
    session.budget.greet()
    rounds.sync()
  }

  async function takeFarewell(manifest: Uint8Array, from: PeerId): Promise<void> {
    try {
      await port?.receive(manifest, from)
    } catch (error) {
      if (error instanceof ProtocolError) throw error
      observe({ type: 'repair-failed', peer: from, error }) // the next dial asks again
    }
  }

  /** Rights are moved between nodes only. */
  function takesPart(peer: PeerId): boolean {
    return [peer, self].every((one) => members.find(one)?.role === 'node')
  }

  function tellBudget(thing: BudgetThing, to?: PeerId): void {
    const inUse = to === undefined ? all() : [links.get(to)]
    // Of a node that is in use twice, both are to hear it.
    for (const link of thing.kind === 'fork' ? links.open() : inUse) {
      if (link !== undefined) sessions.get(link)?.budget.tell(thing)
    }
  }

  /** What is known of a project here is also listened for. */
  function learnTag(thread: ThreadId): Uint8Array {
    const tag = interest.tagOf(thread)
    interest.learn(tag)
    return tag
  }

  function follow(thread: ThreadId): void {
    if (interest.follow(thread)) for (const link of links.all()) tellFollows(link)
  }

  /** Once for each state of it; a peer that does not take more hears it in a later round. */
  function tellFollows(link: Link): void {
    if (link.blocked || followsTold.get(link) === interest.version) return
    followsTold.set(link, interest.version)
    void link.tell(interest.frame())
  }

  function holdersOf(thread: ThreadId): ReadonlyMap<PeerId, SeqVector> {
    return new Map([...holders.of(thread)].filter(([peer]) => members.has(peer)))
  }

  function onUp(link: Link): void {
    const { peer, direction, address } = link
    peers.up(link)
    observe({ type: 'peer-online', peer, direction, address })
    manifestRecord?.peerCame()
    tellPeer(peer)
  }

  function onDown(link: Link, reason: string): void {
    if (closing.signal.aborted) return
    peers.down(link, reason)
    cards.lapse(link.peer)
    observe({ type: 'peer-offline', peer: link.peer, reason })
    tellPeer(link.peer)
  }

  function onShunned(peer: PeerId, ms: number, reason: string): void {
    observe({ type: 'peer-shunned', peer, ms, reason })
    links.close(peer, reason)
    // also what was dialled and has no link yet
    const connections = host.getConnections().filter(({ remotePeer }) => peerOf(remotePeer) === peer)
    for (const connection of connections) connection.abort(new Error(reason))
  }

  function tellPeer(peer: PeerId): void {
    const status = peers.status(peer)
    if (status !== undefined) tell({ type: 'peer', status })
  }

  host.addEventListener('connection:open', ({ detail: connection }) => {
    if (connection.direction !== 'inbound') return
    if (members.has(peerOf(connection.remotePeer))) opener.expect(connection)
    else formers?.expect(connection)
  })
  const accept = async (stream: Stream, connection: Connection): Promise<void> => {
    const link = await opener.accept(stream, connection)
    if (link !== undefined) admit(link)
  }
  const tellFormer = formers && ((stream: Stream, connection: Connection): void => formers.tell(stream, connection))
  await host.handle(repairProtocol(mesh), forMembers(accept, members.has, tellFormer))
  if (options.joins !== undefined)
    await serveJoins({ mesh, host, joins: options.joins, inHand, patienceMs: timings.helloMs, observe })
  const roster = new Roster({
    self,
    members,
    links,
    addrsOf: (peer) => peers.addrsOf(peer),
    shunnedMs: (peer) => faults.leftMs(peer),
    dial: (peer, address, signal) => opener.dial(peer, address, signal),
    admit,
    farewell: async (link) => exchange?.farewell(link),
    timings,
    onReason: (peer, reason) => {
      peers.failed(peer, reason)
      tellPeer(peer)
    },
    observe,
  })

  const stopManifest = options.manifest?.subscribe(() => {
    roster.look()
    exchange?.tellAll()
    manifestRecord?.changed()
    announcer.announce()
  })

  async function closeOnce(): Promise<void> {
    stopManifest?.()
    await Promise.all([outbox.close(), announcer.close(), rounds.close()])
    tokens.close()
    manifestRecord?.close()
    closing.abort(new MeshError('CLOSED', 'the mesh was closed'))
    await roster.close()
    await closeHost().catch((error: unknown) => observe({ type: 'close-failed', error }))
    for (const link of links.all()) link.close('this node closed')
    await inHand.idle()
    listeners.clear()
  }
  let closed: Promise<void> | undefined

  return {
    peer: self,
    addrs,
    publish: (envelope, about) => outbox.publish(envelope, about),
    follow,
    fetchThread: (thread, { signal }) =>
      fetchParts(threads, thread, (document) =>
        fetchFromEach(
          all().flatMap((link) => sessions.get(link)?.pull ?? []),
          document,
          { signal: AbortSignal.any([signal, closing.signal]), patienceMs: timings.fetchMs },
        ),
      ),
    holders: holdersOf,
    announce: () => announcer.announce(),
    peers: () => peers.list(),
    cards: () => cards.list(),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    fetchBlob: (hash, { signal }) => blobs.fetch(hash, { signal }),
    ...records,
    askGrant: async (peer, request, { signal }) => {
      const link = takesPart(peer) ? links.get(peer) : undefined
      const until = AbortSignal.any([signal, closing.signal])
      return link && (await askGrant(link, request, { signal: until, observe }))
    },
    tellBudget,
    tellTokens: (frame) => tokens.tell(frame),
    followTokens: (thread, listener) => tokens.follow(thread, listener),
    sync: () => rounds.sync(),
    close: () => (closed ??= closeOnce()),
  }
}
