import {
  type ChangedFile,
  type ChangeSet,
  changeSet,
  MAX_CHANGE_SET_BYTES,
  MAX_CHANGED_FILES,
  ProtocolError,
} from '@bzzz/protocols'
import { ChangeError } from './change-error.ts'

/** JSON in UTF-8. @throws {ChangeError} TOO_LARGE */
export function encodeChangeSet(change: ChangeSet): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(change), 'utf8')
  if (bytes.length > MAX_CHANGE_SET_BYTES)
    throw new ChangeError(
      'TOO_LARGE',
      `the change takes ${bytes.length} bytes of at most ${MAX_CHANGE_SET_BYTES}: review a smaller range`,
    )
  return bytes
}

/** @throws {ProtocolError} TOO_LARGE or BAD_SHAPE */
export function decodeChangeSet(bytes: Uint8Array): ChangeSet {
  if (bytes.length > MAX_CHANGE_SET_BYTES)
    throw new ProtocolError('TOO_LARGE', `change set of ${bytes.length} bytes, at most ${MAX_CHANGE_SET_BYTES}`)
  const parsed = changeSet.safeParse(parseJson(bytes))
  if (!parsed.success) throw new ProtocolError('BAD_SHAPE', 'not a change set', { cause: parsed.error })
  return parsed.data
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'change set is not JSON in UTF-8', { cause })
  }
}

/**
 * Makes a change fit its bounds: files that alone break them, then the largest ones, lose their text and hunks and are
 * marked `too large`, so that the report names them.
 * @throws {ChangeError} TOO_LARGE when even the list of files is too long
 */
export function fitChangeSet(change: ChangeSet): ChangeSet {
  if (change.files.length > MAX_CHANGED_FILES)
    throw new ChangeError(
      'TOO_LARGE',
      `the change touches ${change.files.length} files, at most ${MAX_CHANGED_FILES} are reviewed at once: review a smaller range`,
    )
  const shape = changeSet.shape.files.element
  const files = change.files.map((file) => (shape.safeParse(file).success ? file : omitTooLarge(file)))
  const frame = jsonBytes({ ...change, files: [] })
  return { ...change, files: omitLargest(files, jsonBytes, omitTooLarge, MAX_CHANGE_SET_BYTES - frame) }
}

function omitTooLarge(file: ChangedFile): ChangedFile {
  const { text: _, ...rest } = file
  return { ...rest, hunks: [], omitted: 'too large' }
}

function jsonBytes(value: object): number {
  // One byte more for the comma or bracket around it.
  return Buffer.byteLength(JSON.stringify(value)) + 1
}

/** Replaces items, the largest first, until all of them together take at most `limit` bytes. Keeps their order. */
export function omitLargest<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  omit: (item: T) => T,
  limit: number,
): T[] {
  const sizes = items.map(bytesOf)
  let total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const kept = [...items]
  const largestFirst = items
    .map((item, index) => ({ item, index }))
    .sort((a, b) => (sizes[b.index] ?? 0) - (sizes[a.index] ?? 0))
  for (const { item, index } of largestFirst) {
    if (total <= limit) break
    const omitted = omit(item)
    total -= (sizes[index] ?? 0) - bytesOf(omitted)
    kept[index] = omitted
  }
  return kept
}
