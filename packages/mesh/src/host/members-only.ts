import type { gossipsub } from '@libp2p/gossipsub'
import type { Connection, PeerId, Stream, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface'

type Registrar = Parameters<ReturnType<typeof gossipsub>>[0]['registrar']
type Components = { readonly registrar: Registrar }
type IsMember = (peer: string) => boolean

/**
 * A service of libp2p that sees members alone: it gets no stream of another peer, and does not learn that such a one
 * speaks its protocol, so it opens none. (`Libp2p.use` would do for streams, but 3.3 adds the handler to the list of
 * middleware anew with each stream, and so calls it ever more often.)
 */
export function membersOnly<C extends Components, S>(
  service: (components: C) => S,
  isMember: IsMember,
): (components: C) => S {
  return (components) => {
    const registrar = guarded(components.registrar, isMember)
    return service(
      new Proxy(components, {
        get: (target, name) => (name === 'registrar' ? registrar : Reflect.get(target, name)),
      }),
    )
  }
}

function guarded(registrar: Registrar, isMember: IsMember): Registrar {
  return new Proxy(registrar, {
    get(target, name) {
      if (name === 'handle')
        return (protocol: string, handler: StreamHandler, options?: StreamHandlerOptions) =>
          target.handle(protocol, forMembers(handler, isMember), options)
      if (name === 'register')
        return (protocol: string, topology: Topology) => target.register(protocol, ofMembers(topology, isMember))
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** @param others takes what whoever is no member opens: by default it is cut off */
export function forMembers(handler: StreamHandler, isMember: IsMember, others = cutOff): StreamHandler {
  return (stream: Stream, connection: Connection) =>
    isMember(connection.remotePeer.toString()) ? handler(stream, connection) : others(stream, connection)
}

function cutOff(stream: Stream, _connection: Connection): void {
  stream.abort(new Error('for members alone'))
}

/** Leaving is always told: whoever left may have been a member when it came. */
function ofMembers(topology: Topology, isMember: IsMember): Topology {
  const { filter, notifyOnLimitedConnection } = topology
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(notifyOnLimitedConnection === undefined ? {} : { notifyOnLimitedConnection }),
    onConnect: (peer: PeerId, connection: Connection) =>
      isMember(peer.toString()) ? topology.onConnect?.(peer, connection) : undefined,
    onDisconnect: (peer: PeerId) => topology.onDisconnect?.(peer),
  }
}
