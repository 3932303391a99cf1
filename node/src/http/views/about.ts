import { type CallId, type ThreadId, type TurnId, threadId } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'

/** What an id, or the beginning of one, stands for on this node. */
export type Named =
  | { readonly kind: 'thread'; readonly id: ThreadId }
  | { readonly kind: 'call'; readonly id: CallId }
  | { readonly kind: 'turn'; readonly id: TurnId }

type Ports = Pick<DoorPorts, 'threads' | 'budget' | 'turns'>

/** So many are named where more than one is meant. */
const MAX_NAMED = 4
const WHOLE = 64

/**
 * A whole thread id stands for itself, also when the thread is not here. Turns that do not rest are found by their whole id.
 * @returns at most {@link MAX_NAMED} + 1
 */
export async function namedBy({ threads, budget, turns }: Ports, id: string): Promise<Named[]> {
  const whole = threadId.safeParse(id)
  if (whole.success) return [{ kind: 'thread', id: whole.data }]
  const waiting = budget.waiting().calls
  const begun = <T extends string>(ids: readonly T[]): T[] => [...new Set(ids.filter((each) => each.startsWith(id)))]
  const ledger = await budget.callsNamed(id, MAX_NAMED + 1)
  const calls = begun([...waiting.map(({ call }) => call as CallId), ...ledger])
  const resting = begun([...waiting, ...turns.paused()].map(({ turn }) => turn as TurnId))
  const isTurn = id.length === WHOLE && resting.length === 0 && (await budget.callsOf(id as TurnId)).length > 0
  const named: Named[] = [
    ...begun(threads.list().map(({ thread }) => thread)).map((thread): Named => ({ kind: 'thread', id: thread })),
    ...calls.map((call): Named => ({ kind: 'call', id: call })),
    ...(isTurn ? [id as TurnId] : resting).map((turn): Named => ({ kind: 'turn', id: turn })),
  ]
  return named.slice(0, MAX_NAMED + 1)
}

export function ambiguousWords(about: string, named: readonly Named[]): string {
  const shown = named.slice(0, MAX_NAMED).map(({ kind, id }) => `${kind} ${id}`)
  const more = named.length > MAX_NAMED ? ', and more' : ''
  return `Several begin with ${about}: ${shown.join(', ')}${more}. Give more digits.`
}

export function unknownWords(about: string, node: string): string {
  return `${node} has no thread, made no call, and has no waiting turn, whose id is or begins with ${about}. Ask the agent's own node.`
}
