import type { Boot, CallId, Incarnation } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { type CallRules, loseTask } from './calls/tasks.ts'
import type { BudgetFact } from './facts.ts'
import { hex } from './ledger/chain.ts'
import { lastPart, under } from './ledger/keys.ts'
import type { Standing } from './ledger/standing.ts'
import type { Writer } from './writer.ts'

export interface Beginning {
  readonly room: Room
  readonly randomBytes: (length: number) => Uint8Array
  readonly observe?: (fact: BudgetFact) => void
}

/** Notes the opening, then gives up what the run before left in flight: nobody knows whether it was billed. */
export async function beginRun(
  { room, randomBytes, observe }: Beginning,
  standing: Standing,
  writer: Pick<Writer, 'submit'>,
  rules: Pick<CallRules, 'lost'>,
): Promise<void> {
  const boot: Boot = { counter: standing.meta.boot.counter + 1, nonce: hex(randomBytes(16)) as Incarnation }
  standing.meta = { ...standing.meta, boot }
  await writer.submit({
    needs: () => ({ calls: [], periods: [], costs: [] }),
    decide: () => ({ events: [{ kind: 'booted', ...boot }], answer: () => undefined }),
  })
  const unsettled: CallId[] = []
  for await (const key of room.keys(under('o/'))) unsettled.push(lastPart(key) as CallId)
  await Promise.all(
    unsettled.map((call) => writer.submit(loseTask(call, 'the node stopped before its outcome was known', rules))),
  )
  if (unsettled.length > 0) observe?.({ type: 'recovered', calls: unsettled.length })
}
