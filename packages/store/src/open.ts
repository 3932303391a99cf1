import { ClassicLevel } from 'classic-level'
import { leaveCleanMark, takeCleanMark } from './clean-end.ts'
import { type GuardOptions, guardState, type LevelLike, type StateDatabase, StateError } from './state.ts'

export interface StateOptions extends Pick<GuardOptions, 'onFreeze'> {
  readonly directory: string
  /**
   * Reads what the rooms hold and throws what is wrong with it. Asked, before anybody may write, whenever the state did not
   * end in order; without it such a state is opened, and stays unverified for the next one.
   */
  readonly verify?: (room: StateDatabase['room']) => Promise<void>
}

/** @throws {StateError} STATE_IN_USE when another process holds the directory, STATE_DAMAGED, or STATE_OPEN_FAILED */
export async function openState({ directory, onFreeze, verify }: StateOptions): Promise<StateDatabase> {
  const level = new ClassicLevel<string, Uint8Array>(directory, { valueEncoding: 'view' })
  try {
    await level.open()
    const isSound = (await takeCleanMark(directory)) || (await isEmpty(level))
    const verified = isSound || (await verifies(level, directory, verify))
    return guardState(level, {
      ...(onFreeze && { onFreeze }),
      ...(verified && { onCleanEnd: () => leaveCleanMark(directory) }),
    })
  } catch (error) {
    await level.close()
    throw error instanceof StateError ? error : openFailure(directory, error)
  }
}

async function isEmpty(level: LevelLike): Promise<boolean> {
  for await (const _ of level.keys({ limit: 1 })) return false
  return true
}

/** @returns whether it was looked at. @throws {StateError} STATE_DAMAGED */
async function verifies(level: LevelLike, directory: string, verify: StateOptions['verify']): Promise<boolean> {
  if (verify === undefined) return false
  const { room } = guardState(level)
  try {
    await verify(room)
    return true
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new StateError('STATE_DAMAGED', `${directory} did not end in order and is damaged: ${words}`, { cause })
  }
}

function openFailure(directory: string, error: unknown): StateError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = (cause as { code?: unknown }).code
  if (code === 'LEVEL_LOCKED')
    return new StateError('STATE_IN_USE', `${directory} is open in another process`, { cause })
  const text = cause instanceof Error ? cause.message : String(cause)
  return new StateError('STATE_OPEN_FAILED', `cannot open ${directory}: ${text}`, { cause })
}
