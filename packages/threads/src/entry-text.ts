import {
  authorPeer,
  type Entry,
  entry,
  isLaptopActor,
  isLaptopEntry,
  isOpenerOf,
  isType,
  MAX_ENTRY_BYTES,
  type PeerId,
  successorId,
  type ThreadId,
} from '@bzzz/protocols'
import { ThreadsError } from './errors.ts'

/** Why an entry that is in the document is not shown. */
export type HiddenReason =
  /** Not JSON, too large, or not of the entry schema. */
  | 'shape'
  /** Its author lives on another node than the one that signed. */
  | 'author'
  /** It opens a thread that another peer opened. */
  | 'opener'
  /** It continues a thread whose part this is not. */
  | 'part'
  /** A laptop that speaks through a node writes what it may not, or in another name than a person's. */
  | 'laptop'
  /** Another entry has the same (peer, id), in a change with a smaller hash. */
  | 'duplicate'

/** An entry and the JSON that says it. */
export interface Written {
  readonly entry: Entry
  readonly text: string
}

/** @throws {ThreadsError} ENTRY_INVALID or ENTRY_TOO_LARGE */
export function writeEntry(given: Entry, self: PeerId): Written {
  const parsed = entry.safeParse(given)
  if (!parsed.success) throw new ThreadsError('ENTRY_INVALID', parsed.error.message, { cause: parsed.error })
  if (authorPeer(parsed.data.author) !== self) {
    throw new ThreadsError('ENTRY_INVALID', `author ${parsed.data.author} is not of this node, ${self}`)
  }
  const text = JSON.stringify(parsed.data)
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_ENTRY_BYTES) {
    throw new ThreadsError('ENTRY_TOO_LARGE', `the entry has ${bytes} bytes, at most ${MAX_ENTRY_BYTES}`)
  }
  // as everybody else will read it, and no part of what the caller holds
  return { entry: JSON.parse(text) as Entry, text }
}

/** @param peer whose key signed it @param actor whose page it is in @returns the entry, or why it is not shown */
export function readEntry(thread: ThreadId, text: string, peer: PeerId, actor: string): Entry | HiddenReason {
  if (Buffer.byteLength(text) > MAX_ENTRY_BYTES) return 'shape'
  const parsed = entry.safeParse(jsonOf(text))
  if (!parsed.success) return 'shape'
  if (authorPeer(parsed.data.author) !== peer) return 'author'
  if (isLaptopActor(actor)) return isLaptopEntry(parsed.data) ? parsed.data : 'laptop'
  return misplaced(thread, parsed.data, peer) ?? parsed.data
}

/** @returns undefined for an entry that may stand in this document */
function misplaced(document: ThreadId, value: Entry, peer: PeerId): HiddenReason | undefined {
  if (isType(value, 'open')) return isOpenerOf(document, peer) ? undefined : 'opener'
  if (isType(value, 'continue')) return successorId(value.of, value.part) === document ? undefined : 'part'
  return undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
