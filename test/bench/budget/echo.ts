import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { ClassicLevel } from 'classic-level'
import { createLibp2p, type Libp2p } from 'libp2p'

type Stream = Awaited<ReturnType<Libp2p['dialProtocol']>>

const PROTOCOL = '/bench/echo/1'
const SYNCED_PROTOCOL = '/bench/synced-echo/1'
/** About what a request for rights in a day and a month takes, and the two grants that answer it. */
const ASKED_BYTES = 300
const ANSWERED_BYTES = 1_000

/** The floor: bytes to another node and back, on a stream that is open; if wanted, with a synced put at either end. */
export async function openEcho(seed: Uint8Array, directory: string) {
  const level = new ClassicLevel<string, Uint8Array>(directory, { valueEncoding: 'view' })
  await level.open()
  let puts = 0
  const put = () => level.put(String(puts++).padStart(12, '0'), new Uint8Array(ANSWERED_BYTES), { sync: true })
  const host = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  await host.handle([PROTOCOL, SYNCED_PROTOCOL], (stream) => {
    const answer = () => stream.send(new Uint8Array(ANSWERED_BYTES))
    onEach(stream, ASKED_BYTES, () => {
      if (stream.protocol === SYNCED_PROTOCOL) void put().then(answer)
      else answer()
    })
  })
  const streams = new Map<string, Stream>()
  let answered: () => void = () => {}

  return {
    addresses: () => host.getMultiaddrs().map(String),
    async meet(address: string): Promise<void> {
      for (const protocol of [PROTOCOL, SYNCED_PROTOCOL]) {
        const stream = await host.dialProtocol(multiaddr(address), protocol)
        onEach(stream, ANSWERED_BYTES, () => answered())
        streams.set(protocol, stream)
      }
    },
    async ask(synced: boolean): Promise<void> {
      const answer = new Promise<void>((resolve) => {
        answered = resolve
      })
      streams.get(synced ? SYNCED_PROTOCOL : PROTOCOL)?.send(new Uint8Array(ASKED_BYTES))
      await answer
      if (synced) await put()
    },
    async close(): Promise<void> {
      await host.stop()
      await level.close()
    },
  }
}

/** Called for every so many bytes that came. */
function onEach(stream: Stream, bytes: number, then: () => void): void {
  let came = 0
  stream.addEventListener('message', ({ data }) => {
    came += data.byteLength
    for (; came >= bytes; came -= bytes) then()
  })
}
