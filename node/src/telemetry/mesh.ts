import type { Mesh, MeshFact } from '@bzzz/mesh'
import { Counter, Gauge, Histogram } from 'prom-client'
import { dispatch, type FactHandlers, type Instruments } from './instruments.ts'

/** Metrics and log lines of the mesh. */
export function observeMesh(instruments: Instruments): (fact: MeshFact) => void {
  return dispatch<MeshFact>({
    ...peerHandlers(instruments),
    ...refusalHandlers(instruments),
    ...envelopeHandlers(instruments),
    ...recordHandlers(instruments),
    ...tokensHandlers(instruments),
    ...joinHandlers(instruments),
    ...budgetHandlers(instruments),
    'close-failed': ({ error }) => instruments.log.error({ err: error }, 'libp2p did not stop cleanly'),
  })
}

/** Peers by state, read when somebody asks. */
export function gaugeMesh(registry: Instruments['registry'], mesh: Pick<Mesh, 'peers'>): void {
  new Gauge({
    name: 'bzzz_mesh_peers',
    help: 'Members of the mesh other than this node, by the state of the connection to them.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const state of ['online', 'offline', 'connecting'] as const) {
        this.set({ state }, mesh.peers().filter((peer) => peer.state === state).length)
      }
    },
  })
}

type Handlers<T extends MeshFact['type']> = Pick<FactHandlers<MeshFact>, T>

function peerHandlers({
  registry,
  log,
}: Instruments): Handlers<'peer-online' | 'peer-offline' | 'dial-failed' | 'peer-shunned'> {
  const changes = new Counter({
    name: 'bzzz_mesh_peer_changes_total',
    help: 'Members that came online or went offline.',
    labelNames: ['to'],
    registers: [registry],
  })
  const dials = new Counter({
    name: 'bzzz_mesh_dial_failures_total',
    help: 'Attempts to reach a member that failed.',
    registers: [registry],
  })
  const shuns = new Counter({
    name: 'bzzz_mesh_shuns_total',
    help: 'Times that a member was sent away for a while, for too much of what no honest one does.',
    registers: [registry],
  })
  return {
    'peer-shunned'({ peer, ms, reason }) {
      shuns.inc()
      log.warn({ peer, ms, reason }, 'peer shunned')
    },
    'peer-online'({ peer, direction, address }) {
      changes.inc({ to: 'online' })
      log.info({ peer, direction, address }, 'peer online')
    },
    'peer-offline'({ peer, reason }) {
      changes.inc({ to: 'offline' })
      log.info({ peer, reason }, 'peer offline')
    },
    'dial-failed'({ peer, reason, retryMs }) {
      dials.inc()
      log.debug({ peer, reason, retryMs }, 'peer not reached')
    },
  }
}

type Refusal =
  | 'stranger-refused'
  | 'hello-refused'
  | 'frame-refused'
  | 'gossip-refused'
  | 'card-refused'
  | 'envelope-refused'
  | 'blob-refused'
  | 'tokens-refused'
  | 'record-refused'
  | 'snapshot-refused'

function refusalHandlers({ registry, warnRarely }: Instruments): Handlers<Refusal> {
  const refused = new Counter({
    name: 'bzzz_mesh_refused_total',
    help: 'What was sent to this node and not taken, by what it was and why. Repeats of what is here already do not count.',
    labelNames: ['what', 'code'],
    registers: [registry],
  })

  function refuse(
    what: string,
    code: string,
    fields: { readonly peer: string; readonly [field: string]: unknown },
  ): void {
    refused.inc({ what, code })
    warnRarely(`${what}/${code}/${fields.peer}`, { what, code, ...fields }, `${what} refused`)
  }

  return {
    'stranger-refused': ({ peer, address }) => refuse('stranger', 'NOT_A_MEMBER', { peer, address }),
    'hello-refused': ({ peer, code, reason }) => refuse('hello', code, { peer, reason }),
    'frame-refused': ({ peer, code, reason }) => refuse('frame', code, { peer, reason }),
    'gossip-refused': ({ peer, code, reason }) => refuse('gossip', code, { peer, reason }),
    'card-refused': ({ peer, code, reason }) => refuse('card', code, { peer, reason }),
    'envelope-refused': ({ peer, way, code, reason, author }) =>
      refuse('envelope', code, { peer, way, reason, author }),
    'tokens-refused': ({ peer, code, reason }) => refuse('tokens', code, { peer, reason }),
    'record-refused'({ code, reason }) {
      refused.inc({ what: 'record', code })
      warnRarely(`record/${code}`, { what: 'record', code, reason }, 'record refused')
    },
    'snapshot-refused': ({ peer, thread, reason }) => refuse('snapshot', 'BAD_SNAPSHOT', { peer, thread, reason }),
    'blob-refused': ({ peer, hash, reason }) => refuse('blob', 'BAD_BLOB', { peer, hash, reason }),
  }
}

type EnvelopeFact =
  | 'batch-published'
  | 'envelope-received'
  | 'envelopes-dropped'
  | 'receive-failed'
  | 'page-served'
  | 'snapshot-taken'
  | 'repair-failed'

function envelopeHandlers({ registry, log }: Instruments): Handlers<EnvelopeFact> {
  const registers = [registry]
  const published = new Counter({
    name: 'bzzz_mesh_published_envelopes_total',
    help: 'Envelopes handed to gossip or to the direct streams; how many arrived is not known.',
    registers,
  })
  const publishedBytes = new Counter({
    name: 'bzzz_mesh_published_bytes_total',
    help: 'Bytes of gossip batches as handed over once; copies to several neighbours do not count.',
    registers,
  })
  const received = new Counter({
    name: 'bzzz_mesh_received_envelopes_total',
    help: 'Envelopes that were taken, by way and by what they were. Refused ones are in bzzz_mesh_refused_total.',
    labelNames: ['way', 'status'],
    registers,
  })
  const dropped = new Counter({
    name: 'bzzz_mesh_dropped_envelopes_total',
    help: 'Envelopes let go because too many were waiting; repair brings them again.',
    labelNames: ['way'],
    registers,
  })
  const served = new Counter({
    name: 'bzzz_mesh_repair_served_envelopes_total',
    help: 'Envelopes sent to peers that asked for what they lack.',
    registers,
  })
  const snapshots = new Counter({
    name: 'bzzz_mesh_snapshots_taken_total',
    help: 'Long threads taken from a peer as one snapshot; their changes are not in bzzz_mesh_received_envelopes_total.',
    registers,
  })
  return {
    'batch-published'({ envelopes, bytes, recipients, direct }) {
      published.inc(envelopes)
      publishedBytes.inc(bytes)
      log.debug({ envelopes, bytes, recipients, direct }, 'batch published')
    },
    'envelope-received': ({ way, status }) => received.inc({ way, status }),
    'envelopes-dropped'({ peer, way, envelopes }) {
      dropped.inc({ way }, envelopes)
      log.warn({ peer, way, envelopes }, 'envelopes dropped')
    },
    'receive-failed': ({ peer, way, error }) => log.error({ peer, way, err: error }, 'envelope not stored'),
    'page-served'({ peer, envelopes, bytes, packedBytes, more }) {
      served.inc(envelopes)
      log.debug({ peer, envelopes, bytes, packedBytes, more }, 'repair served')
    },
    'snapshot-taken'({ peer, thread, changes }) {
      snapshots.inc()
      log.info({ peer, thread, changes }, 'thread taken from a snapshot')
    },
    'repair-failed': ({ peer, error }) => log.warn({ peer, err: error }, 'repair failed'),
  }
}

function joinHandlers({
  registry,
  log,
  warnRarely,
}: Instruments): Handlers<'join-answered' | 'join-refused' | 'join-failed' | 'former-told' | 'former-lost'> {
  const joins = new Counter({
    name: 'bzzz_mesh_joins_total',
    help: 'Requests to join with an invitation, by how they ended; a repeat of one that was lost counts again.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const formers = new Counter({
    name: 'bzzz_mesh_formers_total',
    help: 'Machines that are no members any more and came all the same, by whether the manifest was handed to them. Who comes again too soon does not count.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return {
    'join-answered'({ invite, peer, code }) {
      joins.inc({ outcome: code ?? 'JOINED' })
      log.info({ invite, peer, code }, code === null ? 'a new member joined' : 'a join was refused')
    },
    'join-refused'({ invite, code, reason }) {
      joins.inc({ outcome: code })
      warnRarely(`join/${code}/${invite}`, { invite, code, reason }, 'a join could not be answered')
    },
    'join-failed'({ invite, error }) {
      joins.inc({ outcome: 'UNABLE' })
      log.error({ invite, err: error }, 'a join could not be signed or written down')
    },
    'former-told'({ peer, version }) {
      formers.inc({ outcome: 'told' })
      log.info({ peer, version }, 'a machine that is no member any more came, and was told so')
    },
    'former-lost'({ peer, reason }) {
      formers.inc({ outcome: 'lost' })
      warnRarely(`former/${peer}`, { peer, reason }, 'a machine that is no member any more could not be told so')
    },
  }
}

type RecordFact = 'record-put' | 'record-got' | 'manifest-published' | 'manifest-record-failed' | 'blob-fetched'

function recordHandlers({ registry, log }: Instruments): Handlers<RecordFact> {
  const seconds = new Histogram({
    name: 'bzzz_mesh_record_seconds',
    help: 'Writing or reading a record of the DHT, found or not.',
    labelNames: ['operation'],
    registers: [registry],
  })
  return {
    'record-put'({ acks, seconds: took }) {
      seconds.observe({ operation: 'put' }, took)
      log.debug({ acks, seconds: took }, 'record put')
    },
    'record-got'({ found, seconds: took }) {
      seconds.observe({ operation: 'get' }, took)
      log.debug({ found, seconds: took }, 'record got')
    },
    'manifest-published': ({ version, acks }) => log.debug({ version, acks }, 'manifest put into the DHT'),
    'manifest-record-failed': ({ error }) =>
      log.warn({ err: error }, 'the manifest was not put into the DHT, or not looked for'),
    'blob-fetched': ({ peer, hash, bytes }) => log.debug({ peer, hash, bytes }, 'blob fetched'),
  }
}

function tokensHandlers({
  registry,
  log,
}: Instruments): Handlers<'tokens-published' | 'tokens-dropped' | 'tokens-failed'> {
  const published = new Counter({
    name: 'bzzz_mesh_tokens_published_total',
    help: "Frames of running calls' text that were sent to other nodes; none is made where nobody elsewhere watches.",
    registers: [registry],
  })
  const dropped = new Counter({
    name: 'bzzz_mesh_tokens_dropped_total',
    help: "Frames of running calls' text beyond what honest nodes make. Refused ones are in bzzz_mesh_refused_total.",
    registers: [registry],
  })
  return {
    'tokens-published': () => published.inc(),
    'tokens-dropped'({ peer }) {
      dropped.inc()
      log.debug({ peer }, 'tokens dropped')
    },
    'tokens-failed': ({ error }) => log.warn({ err: error }, 'tokens not published'),
  }
}

function budgetHandlers({ registry, warnRarely }: Instruments): Handlers<'grant-asked' | 'budget-failed'> {
  const asked = new Histogram({
    name: 'bzzz_mesh_grant_ask_seconds',
    help: 'From a request for rights to its answer, or to the end of patience; not whether anything was given.',
    labelNames: ['answered'],
    buckets: [0.002, 0.005, 0.01, 0.05, 0.25, 1, 5],
    registers: [registry],
  })
  const failed = new Counter({
    name: 'bzzz_mesh_budget_failures_total',
    help: "Requests and records of peers that this node's own ledger did not take.",
    registers: [registry],
  })
  return {
    'grant-asked': ({ answered, seconds }) => asked.observe({ answered: String(answered) }, seconds),
    'budget-failed'({ peer, error }) {
      failed.inc()
      warnRarely(`budget/${peer}`, { peer, err: error }, 'the own ledger did not take what a peer said of rights')
    },
  }
}
