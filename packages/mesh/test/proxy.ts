import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A piece of network between a dialler and a port, that can turn into a black hole. */
export async function openProxy(toPort: number) {
  const sockets = new Set<Socket>()
  let swallowing = false
  const server = createServer((near) => {
    const far = connect(toPort, '127.0.0.1')
    join(near, far)
    join(far, near)
  })
  function join(from: Socket, to: Socket): void {
    sockets.add(from)
    from.on('data', (bytes) => {
      if (!swallowing) to.write(bytes)
    })
    from.on('close', () => {
      if (!swallowing) to.destroy()
    })
    from.on('error', () => from.destroy()) // a reset is one way for a test's connection to end
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    /** From now on bytes vanish; the sockets stay open. */
    swallow: () => {
      swallowing = true
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
