import { encodeFrame, type Frame, type MeshId, meshIdBytes, repairProtocol, sealCard } from '@bzzz/protocols'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { recordsProtocol } from '../src/records/rules.ts'
import { cardOf, type Identity, type TestNode } from './network.ts'

export type Rogue = Awaited<ReturnType<typeof openRogue>>

/**
 * A node that has a key and no manners: libp2p without the mesh's rules. Meshes it meets need `secret: null`.
 * @param listen without an address nobody asks its DHT for anything
 */
export async function openRogue(identity: Identity, mesh: MeshId, listen: string[] = []) {
  const host = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', identity.seed),
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // else it hangs up by itself on a busy machine
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({ globalSignaturePolicy: StrictNoSign, allowPublishToZeroTopicPeers: true }),
      dht: kadDHT({
        protocol: recordsProtocol(mesh),
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        allowQueryWithZeroPeers: true,
        initialQuerySelfInterval: 50,
        validators: { 'bzzz-slot': async () => undefined },
        selectors: { 'bzzz-slot': () => 0 },
      }),
    },
  })
  const card = Uint8Array.from(sealCard({ ...cardOf(identity.signer.peer, 'rogue'), addrs: [] }, mesh, identity.signer))

  return {
    host,
    hello: { t: 'hello', v: 1, mesh: Uint8Array.from(meshIdBytes(mesh)), card } satisfies Frame,
    /** Opens the stream of a link, says nothing yet. `ended` resolves when the other side has had enough. */
    async stream(to: Pick<TestNode, 'mesh'>) {
      const stream = await host.dialProtocol(multiaddr(to.mesh.addrs()[0] ?? ''), repairProtocol(mesh))
      const ended = new Promise<void>((resolve) => {
        stream.addEventListener('close', () => resolve(), { once: true })
      })
      const framed = lpStream(stream)
      return {
        ended,
        say: (frame: Frame) => framed.write(encodeFrame(frame)),
        sayBytes: (bytes: Uint8Array) => framed.write(bytes),
        sendRaw: (bytes: Uint8Array) => void stream.send(bytes),
      }
    },
    close: async () => host.stop(),
  }
}
