import { type MeshId, type PeerId, sha256 } from '@bzzz/protocols'
import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { MeshError, messageOf } from '../errors.ts'
import { type RecordRules, recordsProtocol } from '../records/rules.ts'
import type { Dials } from '../roster/dials.ts'
import { CacheDatastore, type CacheRules } from './datastore.ts'
import { keyPairOf, preSharedKeyFile } from './keys.ts'
import { membersOnly } from './members-only.ts'

export type Host = Libp2p<{ identify: Identify; ping: Ping; pubsub: GossipSub; dht: KadDHT }>

export interface HostOptions {
  readonly mesh: MeshId
  readonly network: string
  readonly privateKey: Uint8Array
  readonly secret: Uint8Array | null
  readonly listen: readonly string[]
  readonly cacheDirectory: string
  readonly dialMs: number
  readonly isMember: (peer: string) => boolean
  /** A member with whom there is to be no connection for a while. */
  readonly isShunned: (peer: string) => boolean
  /** Let in besides, for the one protocol by which they ask to join. */
  readonly isInvited: (peer: string) => boolean
  /** A former member that is let in once more, to be handed the manifest; asked once for each connection. */
  readonly isToBeTold: (peer: string) => boolean
  /** Only these dials are let through: kad-dht would otherwise dial whoever it remembers, also those who are gone. */
  readonly dials: Dials
  readonly onStranger: (peer: string, address: string) => void
  readonly rules: RecordRules & CacheRules
}

// What gossipsub may hold for one slow neighbour before it drops that neighbour's stream; publishes then go direct.
const MAX_GOSSIP_BACKLOG_BYTES = 8 * 1024 * 1024
const MAX_GOSSIP_MESSAGE_BYTES = 512 * 1024

/** @throws {MeshError} CACHE_FAILED or LISTEN_FAILED */
export async function openHost(options: HostOptions): Promise<{ host: Host; close: () => Promise<void> }> {
  const datastore = new CacheDatastore(options.cacheDirectory, options.rules)
  try {
    await datastore.open()
  } catch (cause) {
    throw new MeshError('CACHE_FAILED', `cannot open ${options.cacheDirectory}: ${messageOf(cause)}`, { cause })
  }
  try {
    const host = await createLibp2p({ ...hostConfig(options), datastore })
    return { host, close: () => Promise.resolve(host.stop()).finally(() => datastore.close()) }
  } catch (cause) {
    await datastore.close()
    throw new MeshError('LISTEN_FAILED', `cannot listen on ${options.listen.join(', ')}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function hostConfig(options: HostOptions) {
  return {
    privateKey: keyPairOf(options.privateKey),
    nodeInfo: { name: 'bzzz', userAgent: `bzzz/${options.network}` },
    addresses: { listen: [...options.listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(options.secret === null
      ? {}
      : { connectionProtector: preSharedKey({ psk: preSharedKeyFile(options.secret) }) }),
    connectionGater: connectionGater(options),
    connectionManager: {
      // a whole mesh may come back at once from behind one address; the default lets 5 in per second and host
      inboundConnectionThreshold: 1000,
      maxIncomingPendingConnections: 100,
      addressDialTimeout: options.dialMs,
      // the caller's time-out is the one that counts
      inboundUpgradeTimeout: 3 * options.dialMs,
    },
    // patient: the links have pings of their own, this catches connections that carry no link
    connectionMonitor: { pingInterval: 10_000, pingTimeout: { minTimeout: 10_000 } },
    services: {
      identify: identify(),
      // kad-dht and the monitor ping as well; above the limit, 1 by default, the monitor takes the connection for dead
      ping: ping({ maxInboundStreams: 32, maxOutboundStreams: 32 }),
      pubsub: membersOnly(gossip(), options.isMember),
      dht: membersOnly(
        kadDHT({
          protocol: recordsProtocol(options.mesh),
          clientMode: false,
          // the default drops private addresses, and with them every peer of a LAN
          peerInfoMapper: passthroughMapper,
          initialQuerySelfInterval: 50,
          allowQueryWithZeroPeers: true,
          // one silent node must not use up the time of a whole query
          networkDialTimeout: { minTimeout: 2_000, maxTimeout: 2_000 },
          validators: options.rules.validators,
          selectors: options.rules.selectors,
        }),
        options.isMember,
      ),
    },
  }
}

/**
 * Unsigned: envelopes and cards carry their author's signature, and noise proves the neighbour who hands them on.
 * gossipsub's own signature would say nothing new and cost 60 % of the processor time of a delivery. Without an author
 * and a number, a message is known by the hash of its content.
 */
function gossip() {
  return gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => sha256(message.data),
    ignoreDuplicatePublishError: true,
    allowPublishToZeroTopicPeers: true,
    floodPublish: true,
    fallbackToFloodsub: false,
    tagMeshPeers: false,
    D: 4,
    Dlo: 3,
    Dhi: 8,
    Dout: 1,
    Dscore: 2,
    Dlazy: 4,
    idontwantMinDataSize: 256,
    maxInboundDataLength: MAX_GOSSIP_MESSAGE_BYTES,
    maxOutboundBufferSize: MAX_GOSSIP_BACKLOG_BYTES,
    // else more than ten nodes behind one address mute each other
    scoreParams: { IPColocationFactorWeight: 0 },
  })
}

function connectionGater(options: HostOptions) {
  return {
    denyDialPeer: (peer: { toString(): string }) => !options.dials.may(peer.toString()),
    denyOutboundConnection: (peer: { toString(): string }) => {
      options.dials.came(peer.toString(), 'reached')
      return false
    },
    denyOutboundEncryptedConnection: (peer: { toString(): string }) => {
      options.dials.came(peer.toString(), 'secured')
      return false
    },
    denyInboundEncryptedConnection: (peer: { toString(): string }, socket: { remoteAddr: { toString(): string } }) => {
      if (options.isShunned(peer.toString())) return true
      if (options.isMember(peer.toString()) || options.isInvited(peer.toString())) return false
      if (options.isToBeTold(peer.toString())) return false
      options.onStranger(peer.toString(), socket.remoteAddr.toString())
      return true
    },
  }
}

export function peerOf(remote: { toString(): string }): PeerId {
  return remote.toString() as PeerId
}
