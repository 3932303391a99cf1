import type { ChangeSet } from '@bzzz/protocols'
import type { DueTurn } from '../review/due.ts'
import { countNotes } from '../review/record.ts'
import { remarksFor } from '../review/remarks.ts'
import type { Review } from '../review/review.ts'
import { noteEntry, type TurnCost, turnCost } from './entries.ts'
import type { Place } from './in-hand.ts'
import type { AboutTurn, Refused, TurnTools } from './ports.ts'
import { type Turn, type TurnResult, takeTurn } from './turn.ts'

/** `postponed`: something other than the model or the budget failed; to be tried again. */
export type Attended = 'written' | 'paused' | 'unavailable' | 'stopped' | 'postponed'

export interface Desk {
  readonly tools: TurnTools
  readonly readChange: (hash: string) => Promise<ChangeSet | undefined>
  /** Whether the turn is due in the review as it stands now. */
  readonly stillDue: () => Promise<boolean>
  readonly place: Place
}

/** Takes one turn and writes into the thread what became of it. Never rejects: what fails is told as a fact. */
export async function attendTurn(review: Review, due: DueTurn, desk: Desk): Promise<Attended> {
  const { observe, now } = desk.tools
  const about = aboutTurn(review, due)
  const begunMs = now()
  observe({ type: 'turn-begun', ...about })
  try {
    const pauses = pausesOf(review, due, desk.tools)
    const result = await takeTurn(await prepared(review, due, pauses, desk), desk.tools)
    const attended = await writeDown(review, due, result, pauses, desk.tools)
    if (attended === 'written') observe({ type: 'turn-written', ...about, ms: now() - begunMs })
    return attended
  } catch (error) {
    observe({ type: 'turn-postponed', ...about, error })
    return 'postponed'
  }
}

function aboutTurn({ thread }: Review, { turn, agent, phase, round }: DueTurn): AboutTurn {
  return { thread, turn, agent, phase, round }
}

async function prepared(review: Review, due: DueTurn, pauses: Pauses, desk: Desk): Promise<Turn> {
  const { tools, readChange, stillDue, place } = desk
  const { blob } = review.terms.change
  const change = await readChange(blob)
  if (change === undefined) throw new Error(`no node at hand has the change ${blob}`)
  await tools.budget.openThread(review.thread, review.record.open.entry.cap)
  const remarks = remarksFor(review, due)
  const waiting = { place, stillDue, paused: pauses.paused }
  return { thread: review.thread, due, change, remarks, waiting, admitted: pauses.resumed }
}

/** What the thread says of a turn that waits for money. */
interface Pauses {
  readonly paused: (lacking: Pick<Refused, 'by' | 'reason'>) => Promise<void>
  /** Says so where it was paused before. */
  readonly resumed: () => Promise<void>
}

/** However often it is tried, each pause is written once, and so is its end. */
function pausesOf(review: Review, due: DueTurn, tools: TurnTools): Pauses {
  let pauses = countNotes(review.record, due.turn, 'paused')
  let resumes = countNotes(review.record, due.turn, 'resumed')
  return {
    async paused({ by, reason }) {
      if (pauses > resumes) return
      const cost = await turnCost(due, tools)
      const spent = cost.cost === '0' ? undefined : cost
      const news = await writeNote(review, due, 'paused', resumes, reason, tools, spent)
      pauses = resumes + 1
      if (news) tools.observe({ type: 'turn-paused', ...aboutTurn(review, due), by, reason })
    },
    async resumed() {
      if (pauses <= resumes) return
      await writeNote(review, due, 'resumed', pauses, 'The budget admits the turn again.', tools)
      resumes = pauses
    },
  }
}

async function writeDown(
  review: Review,
  due: DueTurn,
  result: TurnResult,
  pauses: Pauses,
  tools: TurnTools,
): Promise<Attended> {
  const about = aboutTurn(review, due)
  switch (result.status) {
    case 'stopped':
      return 'stopped'
    case 'ready': {
      const { repeated } = await tools.threads.append(review.thread, result.entry)
      // Still due although it is there: the entry is not shown, and trying again at once would never end.
      return repeated ? 'postponed' : 'written'
    }
    case 'paused':
      await pauses.paused(result)
      return 'paused'
    case 'failed': {
      const reason = `${result.error.code}: ${result.error.message}`
      await writeNote(review, due, 'unavailable', 0, reason, tools, await turnCost(due, tools))
      tools.observe({ type: 'turn-unavailable', ...about, reason })
      return 'unavailable'
    }
  }
}

/** @returns false when the note was there already */
async function writeNote(
  { thread }: Review,
  due: DueTurn,
  code: 'paused' | 'resumed' | 'unavailable',
  nth: number,
  content: string,
  { threads, now }: TurnTools,
  cost?: TurnCost,
): Promise<boolean> {
  const { repeated } = await threads.append(thread, noteEntry(thread, due, code, nth, content, now(), cost))
  return !repeated
}
