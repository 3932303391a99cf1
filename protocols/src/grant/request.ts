import { z } from 'zod'
import { nanoUsd, wallMs, wholeNumber } from '../bytes/shapes.ts'
import { account, boot } from '../ids/ids.ts'
import { sharedPeriod } from '../ids/periods.ts'
import { MAX_GRANT_BYTES } from './grant.ts'

/** What two nodes say to each other to move rights: a request, and what the donor answers. See spec.md. */

/** Most periods of a request, and of what a node says it has: a call has at most two days, two months and a thread. */
export const MAX_NEEDS = 16

const rights = z.strictObject({ period: sharedPeriod, amount: nanoUsd })
/** Rights in one period. */
export type Rights = z.infer<typeof rights>

/** What a node could give, as it tells the others: a hint, out of date at once. */
export const spareRights = z.array(rights).max(MAX_NEEDS).readonly()

const askedNeed = z.strictObject({
  period: sharedPeriod,
  /** Without so much, the oldest waiting call cannot go on. */
  least: nanoUsd,
  /** With so much, all waiting calls could, and some of what comes next. Never below `least`. */
  want: nanoUsd,
  /** All that the asker's present opening credited from this donor so far: what is missing was lost on the way. */
  credited: nanoUsd,
})
/** What lacks in one period. */
export type AskedNeed = z.infer<typeof askedNeed>

/** What an account asks of a donor: everything that it lacks, in all periods at once. */
export const grantRequest = z.strictObject({
  to: z.strictObject({ account, boot }),
  /** Wall clock of the asker when its oldest waiting call began to wait; the older of two goes first. Of now when none waits. */
  sinceMs: wallMs,
  /** How fast the asker spends, nano-dollars per second; its own word. */
  perSecond: wholeNumber,
  needs: z.array(askedNeed).min(1).max(MAX_NEEDS).readonly(),
})
export type GrantRequest = z.infer<typeof grantRequest>

const grantRefusalCode = z.enum([
  /** Too many periods, one named twice, or one that is not shared. */
  'bad-request',
  /** Not a node of this mesh. */
  'not-a-member',
  /** The asker is the donor. */
  'own',
  'closed',
  'forked',
  /** A newer opening of the asker's ledger is known: an older process, or a copy. */
  'old-boot',
  /** None of the periods is running here. */
  'wrong-period',
  /** This node's clock is in doubt. */
  'clock',
  /** More requests in a short time than an honest node has. */
  'too-often',
  /** So many openings were given to that the period's list is full. */
  'too-many',
  /** Nothing is left, or older calls wait for it here. */
  'nothing',
  /** The donor's ledger could not be written, or may not go on. */
  'unable',
])
export type GrantRefusalCode = z.infer<typeof grantRefusalCode>

const grant: z.ZodType<Uint8Array> = z
  .instanceof(Uint8Array)
  .refine(({ length }) => length <= MAX_GRANT_BYTES, { message: `must be at most ${MAX_GRANT_BYTES} bytes` })

const granting = z.discriminatedUnion('status', [
  /** Each sealed, and synced in the donor's ledger. */
  z.strictObject({ status: z.literal('granted'), grants: z.array(grant).min(1).max(MAX_NEEDS).readonly() }),
  z.strictObject({ status: z.literal('refused'), code: grantRefusalCode, reason: z.string().max(512) }),
])
/** What a donor decides. */
export type Granting = z.infer<typeof granting>

/** What a donor sends back: its decision, and what it has left. */
export const grantAnswer = z.strictObject({ granting, spare: spareRights })
export type GrantAnswer = z.infer<typeof grantAnswer>
