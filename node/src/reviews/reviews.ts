import { decodeChangeSet, encodeChangeSet, OFFLINE_MODEL, planReview, readingBytes, readReview } from '@bzzz/agents'
import { type PriceTable, splitCap } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import {
  blobHash,
  type ChangeSet,
  type EntryOf,
  type NanoUsd,
  type NodeCard,
  type PeerId,
  ProtocolError,
  type ReviewTerms,
} from '@bzzz/protocols'
import type { Threads } from '@bzzz/threads'
import type { ReviewOrder, ReviewsPort } from '../http/ports.ts'
import { highestCost } from './highest-cost.ts'
import { type LeastCap, leastCap, type PricedSeat } from './least-cap.ts'

interface ReviewsOptions {
  readonly peer: PeerId
  readonly threads: Pick<Threads, 'create' | 'blobs'>
  readonly mesh: Pick<Mesh, 'cards'>
  /** By the manifest: nobody takes a seat there. */
  readonly isLaptop: (peer: PeerId) => boolean
  readonly prices: PriceTable
  /** Of the whole mesh: no review can cost more in a day. */
  readonly dayLimit: () => NanoUsd
  /** Tokens of one reply at most. */
  readonly maxOutputTokens: number
  /** Provider requests a step at most. */
  readonly attempts: number
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
}

/** Opens reviews: seats from the live cards, the change as a blob, the cap split among the seats' homes. */
export function createReviews(options: ReviewsOptions): ReviewsPort {
  const { peer, threads, mesh, prices, dayLimit, maxOutputTokens, attempts } = options

  function seatsFor({ change, required, rounds, seatTimeoutMs }: ReviewOrder, bytes: Uint8Array) {
    const cards = mesh
      .cards()
      .filter(({ live }) => live)
      .map(({ card }) => card)
    return {
      cards,
      planned: planReview({
        roles: required,
        cards,
        self: peer,
        change: changeTerms(change, bytes),
        rounds,
        seatTimeoutMs,
      }),
    }
  }

  function leastFor({ change }: ReviewOrder, seats: readonly PricedSeat[]): LeastCap {
    return leastCap({ seats, prices, readingBytes: readingBytes(change), maxOutputTokens })
  }

  return {
    async plan(order) {
      const bytes = encodeChangeSet(order.change)
      const { cards, planned } = seatsFor(order, bytes)
      if (planned.status === 'missing') return { status: 'missing', roles: planned.missing }
      const seats = pricedSeats(planned.terms, cards)
      const least = leastFor(order, seats)
      if (isTooLittle(order, least)) return { status: 'cap-too-small', least }
      const models = seats.map(({ model }) => model)
      const { files } = order.change
      const bounds = { models, prices, changeBytes: bytes.length, files: files.length, rounds: order.rounds }
      const highest = highestCost({ ...bounds, maxOutputTokens, attempts })
      return { status: 'ready', terms: planned.terms, highest, day: dayLimit(), least }
    },

    async open(order) {
      const bytes = encodeChangeSet(order.change)
      const { cards, planned } = seatsFor(order, bytes)
      if (planned.status === 'missing') return { status: 'missing', roles: planned.missing }
      const least = leastFor(order, pricedSeats(planned.terms, cards))
      if (isTooLittle(order, least)) return { status: 'cap-too-small', least }
      await threads.blobs.put(bytes)
      const cap = order.budget === null ? undefined : splitCap(order.budget, planned.homes)
      const appended = await threads.create(openingEntry(planned.terms, cap))
      return { status: 'opened', terms: planned.terms, appended }
    },

    standing: (view) => readReview(view, options.isLaptop),

    async change(hash) {
      const bytes = await threads.blobs.get(hash)
      return bytes === undefined ? undefined : readable(bytes)
    },
  }

  function openingEntry(review: ReviewTerms, cap: EntryOf<'open'>['cap']): EntryOf<'open'> {
    const { change } = review
    return {
      type: 'open',
      id: Buffer.from(options.randomBytes(16)).toString('hex'),
      author: `system@${peer}`,
      ts: options.now(),
      content: `review of ${change.repository} ${change.base.slice(0, 10)}..${change.head.slice(0, 10)} by ${review.seats.map(({ role }) => role).join(', ')}`,
      topic: change.title === '' ? `review of ${change.repository}` : change.title,
      project: change.repository.slice(0, 128),
      review,
      ...(cap === undefined ? {} : { cap }),
    }
  }
}

function pricedSeats({ seats }: ReviewTerms, cards: readonly NodeCard[]): PricedSeat[] {
  const agents = new Map(cards.flatMap((card) => card.agents.map((agent) => [agent.id, { ...agent, home: card.peer }])))
  return seats.flatMap(({ agent }) => {
    const found = agents.get(agent)
    return found ? [{ home: found.home, model: found.model, offline: found.model === OFFLINE_MODEL }] : []
  })
}

function isTooLittle({ budget }: ReviewOrder, { anyCall }: LeastCap): boolean {
  return budget !== null && budget < anyCall
}

function readable(bytes: Uint8Array): ChangeSet | undefined {
  try {
    return decodeChangeSet(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined // its opener's node stored something else under that hash
    throw error
  }
}

function changeTerms({ repository, base, head, title, files }: ChangeSet, bytes: Uint8Array): ReviewTerms['change'] {
  return { blob: blobHash(bytes), bytes: bytes.length, repository, base, head, title, files: files.length }
}
