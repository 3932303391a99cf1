import type { ProblemCode } from '@bzzz/protocols'

/** `node`: the node's own door (8080). `agents`: the agents' door (8081). */
export type DoorName = 'node' | 'agents'

/** What the doors report, after it happened. */
export type HttpFact =
  /** `route` is the pattern (`/api/agents/:id`), or `unmatched`. Event streams report when they end. */
  | {
      readonly type: 'answered'
      readonly door: DoorName
      readonly method: string
      readonly route: string
      readonly status: number
      readonly seconds: number
    }
  | { readonly type: 'refused'; readonly door: DoorName; readonly code: ProblemCode; readonly detail: string }
  /** An error nobody expected: the caller got INTERNAL. */
  | { readonly type: 'failed'; readonly door: DoorName; readonly route: string; readonly error: unknown }
  | { readonly type: 'stream-opened'; readonly open: number }
  /** Text of a running call that a client got nothing of, because it read too slowly. */
  | { readonly type: 'tokens-left-out' }
  /** `slow`: the client read too slowly and lost its place. */
  | { readonly type: 'stream-closed'; readonly open: number; readonly why: 'left' | 'slow' | 'closing' }

export type ObserveHttp = (fact: HttpFact) => void
