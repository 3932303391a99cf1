import { request } from 'node:http'
import { cbor } from '@automerge/automerge-repo'

/** A client that sends whatever it likes. */
export interface Rogue {
  send(bytes: Uint8Array): void
  /** In the shape of automerge-repo's client. */
  say(frame: Record<string, unknown>): void
  /** Resolves with the code by which the node closed the connection. */
  readonly closed: Promise<number>
  /** The next frame of that type. */
  hears(type: string): Promise<Record<string, unknown>>
}

export async function openRogue(url: string): Promise<Rogue> {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const heard: Record<string, unknown>[] = []
  let wake = () => {}
  socket.addEventListener('message', ({ data }) => {
    heard.push(cbor.decode(new Uint8Array(data as ArrayBuffer)))
    wake()
  })
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const send = (bytes: Uint8Array) => socket.send(Uint8Array.from(bytes))
  return {
    send,
    say: (frame) => send(cbor.encode({ senderId: 'rogue', targetId: 'node', ...frame })),
    closed,
    async hears(type) {
      for (;;) {
        const at = heard.findIndex((frame) => frame.type === type)
        if (at >= 0) return heard.splice(at, 1)[0] ?? {}
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}

export const join = { type: 'join', peerMetadata: {}, supportedProtocolVersions: ['1'] }

/** The status that a websocket's upgrade is answered with. */
export async function upgradeStatus(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const asked = request(url.replace(/^ws/, 'http'), {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16, 7).toString('base64'),
      ...headers,
    },
  })
  return await new Promise((resolve, reject) => {
    asked.on('upgrade', (_, socket) => {
      socket.destroy()
      resolve(101)
    })
    asked.on('response', ({ statusCode = 0 }) => resolve(statusCode))
    asked.on('error', reject)
    asked.end()
  })
}
