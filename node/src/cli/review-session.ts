import { setTimeout as delay } from 'node:timers/promises'
import {
  type EntryView,
  type EventData,
  entryView,
  type ReviewOpened,
  type ReviewReport,
  type ReviewRequest,
  reviewOpened,
  reviewReport,
  tokensEvent,
  turnEvent,
} from '@bzzz/protocols'
import type { NodeClient } from './client.ts'

/** Something to show while a review runs. */
export type ReviewProgress =
  | { readonly type: 'opened'; readonly opened: ReviewOpened }
  | { readonly type: 'entry'; readonly entry: EntryView }
  | {
      readonly type: 'turn'
      readonly agent: string
      readonly phase: string
      readonly state: string
      readonly reason: string | null
    }
  | { readonly type: 'tokens'; readonly tokens: EventData<'tokens'> }
  /** At least every {@link TICK_MS}, whether anything happened or not. */
  | { readonly type: 'tick'; readonly report: ReviewReport }
  /** Nothing more comes. */
  | { readonly type: 'end' }

export interface ReviewSession {
  readonly signal: AbortSignal
  /** How long a review may stand paused by the budget before the caller is told. */
  readonly waitMs: number
  readonly now: () => number
  readonly progress: (step: ReviewProgress) => void
  /** Whether the text of running calls is shown: else no node sends any. */
  readonly tokens?: boolean
}

export type ReviewEnd = { readonly status: 'decided' | 'paused'; readonly report: ReviewReport }

const TICK_MS = 1_000
const OPEN_TIMEOUT_MS = 60_000

export async function openReview(
  client: NodeClient,
  request: ReviewRequest,
  signal: AbortSignal,
): Promise<ReviewOpened> {
  const headers = { 'idempotency-key': crypto.randomUUID() }
  return await client.post('/api/reviews', request, reviewOpened, { signal, headers, timeoutMs: OPEN_TIMEOUT_MS })
}

/** Shows a review's entries as they come and ends with its report: decided, or paused by the budget for too long. */
export async function followReview(client: NodeClient, thread: string, session: ReviewSession): Promise<ReviewEnd> {
  const done = new AbortController()
  const signal = AbortSignal.any([session.signal, done.signal])
  const shown = showEntries(client, thread, signal, session)
  try {
    return await pollReport(client, thread, signal, session)
  } finally {
    done.abort()
    await shown
    session.progress({ type: 'end' })
  }
}

async function pollReport(
  client: NodeClient,
  thread: string,
  signal: AbortSignal,
  session: ReviewSession,
): Promise<ReviewEnd> {
  let pausedSince: number | undefined
  for (;;) {
    const report = await client.get('agents', `/api/reviews/${thread}`, reviewReport, { signal })
    if (report.state !== 'running') return { status: 'decided', report }
    session.progress({ type: 'tick', report })
    pausedSince = report.seats.some((seat) => seat.state === 'paused') ? (pausedSince ?? session.now()) : undefined
    if (pausedSince !== undefined && session.now() - pausedSince >= session.waitMs) return { status: 'paused', report }
    await delay(TICK_MS, undefined, { signal })
  }
}

async function showEntries(
  client: NodeClient,
  thread: string,
  signal: AbortSignal,
  { progress, tokens = false }: ReviewSession,
): Promise<void> {
  try {
    for await (const event of await client.events(`/api/events?thread=${thread}&tokens=${tokens}`, { signal })) {
      if (event.event === 'entry') progress({ type: 'entry', entry: entryView.parse(JSON.parse(event.data)) })
      if (event.event === 'tokens') progress({ type: 'tokens', tokens: tokensEvent.parse(JSON.parse(event.data)) })
      if (event.event === 'turn') progress({ type: 'turn', ...turnEvent.parse(JSON.parse(event.data)) })
    }
  } catch (error) {
    // A lost stream costs the live lines only: the report is polled, and a node that is gone shows there.
    if (!signal.aborted)
      progress({ type: 'turn', agent: 'bzzz', phase: 'events', state: 'lost', reason: (error as Error).message })
  }
}
