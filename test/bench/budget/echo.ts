import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/bench/echo/1'
/** About what a request for rights in a day and a month takes, and the two grants that answer it. */
const ASKED_BYTES = 300
const ANSWERED_BYTES = 1_000

/** The floor: bytes to another node and back, on a stream that is open. */
export async function openEcho(seed: Uint8Array) {
  const host = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  await host.handle(PROTOCOL, (stream) => {
    onEach(stream, ASKED_BYTES, () => stream.send(new Uint8Array(ANSWERED_BYTES)))
  })
  let stream: Stream | undefined
  let answered: () => void = () => {}

  return {
    addresses: () => host.getMultiaddrs().map(String),
    async meet(address: string): Promise<void> {
      stream = await host.dialProtocol(multiaddr(address), PROTOCOL)
      onEach(stream, ANSWERED_BYTES, () => answered())
    },
    async ask(): Promise<void> {
      const answer = new Promise<void>((resolve) => {
        answered = resolve
      })
      stream?.send(new Uint8Array(ASKED_BYTES))
      await answer
    },
    close: () => host.stop(),
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
