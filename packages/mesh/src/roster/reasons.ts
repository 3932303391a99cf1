import { messageOf } from '../errors.ts'
import type { DialStage } from './dials.ts'

export interface FailedDial {
  /** Without the peer id. */
  readonly address: string
  readonly stage: DialStage
  readonly timeoutMs: number
  readonly error: unknown
}

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no route to that network',
  EADDRNOTAVAIL: 'no route to that address',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be resolved',
  ECONNRESET: 'hung up at once',
}

/** Why an address did not lead to the peer, in words that say what to look at. */
export function dialReason({ address, stage, timeoutMs, error }: FailedDial): string {
  if (stage === 'secured') return turnedAway(address)
  if (stage === 'reached') return reachedReason(address, error)
  const code = codeOf(error)
  if (code !== undefined) return `${address}: ${BY_CODE[code] ?? code}`
  if (isTimeout(error)) return `${address}: no answer within ${timeoutMs / 1000} s`
  return `${address}: ${messageOf(error)}`
}

function reachedReason(address: string, error: unknown): string {
  // noise found another key than the address promised
  if (/identity key/.test(messageOf(error))) return `reached ${address}, another node answers there`
  // with a wrong secret each side reads noise, and some of it as a length to wait for: it looks like anything or silence
  return `reached ${address}, no answer: wrong secret, or not a bzzz node`
}

/** Why a secured connection did not become a link. */
export function greetingReason(address: string, error: unknown): string {
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return `reached ${address}, a node of another mesh`
  }
  if (error instanceof Error && error.name === 'ProtocolError')
    return `reached ${address}, wrong hello: ${error.message}`
  return turnedAway(address)
}

/** It took the dial, and told with its manifest that it has no place for this node. */
export function farewellReason(address: string): string {
  return `reached ${address}, which counts this node among those that were members once`
}

function turnedAway(address: string): string {
  return `reached ${address}, it hung up before its hello: this node may not be a member there, or be shunned for a while`
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
}

/** Of the system's error, also where libp2p wrapped it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z_]+$/.test(error.code)) return error.code
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return codeOf(error.cause)
}
