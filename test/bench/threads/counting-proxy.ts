import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands before a port and counts what goes through, in both directions. */
export async function openCountingProxy(toPort: number) {
  const sockets = new Set<Socket>()
  let bytes = 0
  function pass(from: Socket, to: Socket): void {
    sockets.add(from)
    from.on('data', (chunk) => {
      bytes += chunk.length
    })
    from.on('error', () => to.destroy()) // a reset is one way for a connection to end
    from.pipe(to)
  }
  const server = createServer((near) => {
    const far = connect(toPort, '127.0.0.1')
    pass(near, far)
    pass(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes
    },
    close(): void {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
