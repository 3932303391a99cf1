import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { ClassicLevel } from 'classic-level'
import { createLibp2p } from 'libp2p'
import { concurrently } from '../interleaved.ts'
import { Arrivals } from './arrivals.ts'
import { type Member, POST_BYTES } from './measured-post.ts'

const PACED = 'paced'
const BURST = 'burst'
const MESH_FORMED_MS = 2_000

/**
 * The floor: gossipsub as it comes (signed, one publish a post). On the topic of the paced posts each end also makes one
 * synced put; a burst is gossip alone.
 */
export async function openRaw(directory: string, seed: Uint8Array) {
  const level = new ClassicLevel<string, Uint8Array>(join(directory, 'floor'), { valueEncoding: 'view' })
  await level.open()
  const host = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub() },
  })
  const { pubsub } = host.services
  const arrivals = new Arrivals()
  pubsub.subscribe(PACED)
  pubsub.subscribe(BURST)
  pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
    const [run = '', number = ''] = Buffer.from(msg.data.subarray(0, HEAD_BYTES)).toString().trim().split('_')
    if (msg.topic === BURST) arrivals.note(run, Number(number))
    else void store(`${run}_${number}`, msg.data).then(() => arrivals.note(run, Number(number)))
  })

  const store = (key: string, bytes: Uint8Array) => level.put(key, bytes, { sync: true })
  const filling = randomBytes(POST_BYTES)
  function messageOf(run: string, i: number): Uint8Array {
    const message = Uint8Array.from(filling)
    message.set(Buffer.from(`${run}_${String(i).padStart(8, '0')}`.padEnd(HEAD_BYTES)))
    return message
  }

  return {
    addresses: host.getMultiaddrs().map(String),
    arrivals,
    async post(_thread: string, run: string, i: number): Promise<void> {
      const message = messageOf(run, i)
      await store(`own_${run}_${i}`, message)
      await pubsub.publish(PACED, message)
    },
    burst: (_thread: string, run: string, count: number, inFlight: number) =>
      concurrently(count, inFlight, async (i) => void (await pubsub.publish(BURST, messageOf(run, i)))),
    async meet(others: readonly Member[]): Promise<void> {
      const own = host.peerId.toString()
      for (const { rawAddresses } of others) {
        const [address = ''] = rawAddresses
        if (!address.endsWith(own)) await host.dial(multiaddr(address))
      }
    },
    async met(): Promise<void> {
      const deadline = Date.now() + MESH_FORMED_MS * 5
      while (pubsub.getSubscribers(PACED).length < 2 || pubsub.getSubscribers(BURST).length < 2) {
        if (Date.now() > deadline) throw new Error('the raw gossip mesh did not form')
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
      await new Promise((resolve) => setTimeout(resolve, MESH_FORMED_MS))
    },
    async close(): Promise<void> {
      await host.stop()
      await level.close()
    },
  }
}

const POLL_MS = 20
/** Names run and number at the beginning of a message. */
const HEAD_BYTES = 64
