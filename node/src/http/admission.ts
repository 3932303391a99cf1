import { createHash, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { ProblemError } from './problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `token`: needed on loopback too. Otherwise only on other binds. `sync`: a laptop's token, which the route asks for; it
     * is no cookie that a browser would add, so pages from anywhere may use it.
     */
    access?: 'token' | 'sync'
  }
}

export interface Admission {
  readonly token: string
  /** The address that the doors are bound to. */
  readonly host: string
  /** Ports of both doors: the page of one may call the other. */
  readonly ports: () => readonly number[]
}

/**
 * Who may ask, before anything of the request is read.
 *
 * - Bound to loopback, the Host header must name loopback: a page whose name was pointed at 127.0.0.1 (DNS rebinding) sends its own.
 * - An Origin must be one of our doors, but for laptops with a token of theirs: other pages' requests carry theirs.
 * - The token is needed everywhere on any other bind, and on loopback where a route says so.
 */
export function admit(request: FastifyRequest, admission: Admission): void {
  const local = isLoopback(admission.host)
  const host = parseHost(request.headers.host)
  if (host === undefined || (local && !isLoopback(host.hostname))) {
    throw new ProblemError(
      'HOST_REFUSED',
      'Address this node as 127.0.0.1 or localhost, or bind it to another address.',
    )
  }
  const { access } = request.routeOptions.config
  if (access === 'sync') return
  if (!isOurs(request.headers.origin, host, admission.ports())) {
    throw new ProblemError('ORIGIN_REFUSED', 'Only pages served by this node may call it from a browser.')
  }
  const needed = !local || access === 'token'
  if (needed && !holdsToken(request.headers.authorization, admission.token)) {
    throw new ProblemError('TOKEN_REQUIRED', "Send the header Authorization: Bearer <the node's token>.")
  }
}

/** @param hostname an address or a name, IPv6 with or without brackets */
function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

function parseHost(header: string | undefined): URL | undefined {
  const url = URL.parse(`http://${header}`)
  return header === undefined || url === null || url.pathname !== '/' || url.username !== '' ? undefined : url
}

function isOurs(origin: string | undefined, host: URL, ports: readonly number[]): boolean {
  if (origin === undefined) return true
  const from = URL.parse(origin)
  if (from === null) return false
  return from.host === host.host || (from.hostname === host.hostname && ports.includes(Number(from.port)))
}

export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? '')?.[1]
}

function holdsToken(header: string | undefined, token: string): boolean {
  const given = bearerToken(header)
  // Equal lengths by hashing, so that the comparison takes the same time for every guess.
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
