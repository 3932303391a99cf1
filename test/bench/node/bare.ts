import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'

/** The floor: libp2p with the services that any mesh with gossip and a DHT needs, and nothing on top. */
const datastore = new LevelDatastore(process.argv[2] ?? mkdtempSync(join(tmpdir(), 'bzzz-bare-')))
await datastore.open()
const host = await createLibp2p({
  datastore,
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub(),
    dht: kadDHT({ clientMode: false, peerInfoMapper: passthroughMapper }),
  },
})
process.stdout.write(`${JSON.stringify({ addrs: host.getMultiaddrs().map(String) })}\n`)
process.on('SIGTERM', () => void Promise.resolve(host.stop()).then(() => process.exit(0)))
