import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The only way from one process to another's port, which can be shut in either of the ways in which networks are. */
export interface Gate {
  readonly port: number
  open(): void
  /** `reset`: both ends are told at once. `silent`: bytes vanish, and nobody is told. Nobody gets through anew. */
  shut(how: 'reset' | 'silent'): void
  close(): Promise<void>
}

export async function openGate(toPort: number): Promise<Gate> {
  const sockets = new Set<Socket>()
  let way: 'open' | 'reset' | 'silent' = 'open'
  const server = createServer((near) => {
    if (way === 'reset') return void near.destroy()
    const far = connect(toPort, '127.0.0.1')
    join(near, far)
    join(far, near)
  })

  function join(from: Socket, to: Socket): void {
    sockets.add(from)
    from.on('data', (bytes) => {
      if (way === 'open') to.write(bytes)
    })
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    from.on('error', () => from.destroy()) // a reset is one way for a killed process to end
  }

  function cutAll(): void {
    for (const socket of sockets) socket.destroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    open() {
      // What vanished is missing in the middle of what was said: such a connection is of no more use.
      if (way === 'silent') cutAll()
      way = 'open'
    },
    shut(how) {
      way = how
      if (how === 'reset') cutAll()
    },
    async close() {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}
