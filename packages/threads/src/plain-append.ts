import { isUtf8 } from 'node:buffer'
import { equalBytes, operationsOf } from '@bzzz/protocols'
import { Cursor, deltas, runs, switches, uleb } from './columns.ts'
import { GENESIS_OPS, placeOf } from './document.ts'

/** Where an append goes, down to the operations that it stands on. */
export interface AppendPlace {
  readonly actor: string
  /** Entries of the actor before it, and in it. */
  readonly count: number
  readonly size: number
  readonly startOp: number
  /** The operation that made its page: its own first one if it begins the page. */
  readonly pageOp: number
  /** The operation of the entry before it in its page. */
  readonly entryOp: number
}

// Columns of a change, by what names them in the format.
const OBJECT_ACTOR = 0x01
const OBJECT_COUNTER = 0x02
const KEY_ACTOR = 0x11
const KEY_COUNTER = 0x13
const KEY_NAME = 0x15
const INSERT = 0x34
const ACTION = 0x42
const VALUE_KIND = 0x56
const VALUE = 0x57
const PREDECESSORS = 0x70

const SET = 1
const MAKE_LIST = 2
const STRING = 6
const KINDS = 16
// The change's own actor and, where it makes a page, the genesis' one, which made the log.
const OWN = 0
const GENESIS = 1
const GENESIS_ACTOR = [1, 0]
const HEAD_OF_LIST = 0

/**
 * What a change appends, read without the CRDT: the texts, if from its operations on it is byte for byte what Automerge
 * makes of an append in this place. Whatever else it may be, also the same in other bytes, is no append: so every node
 * reads the same in it, and the CRDT sees nothing else.
 * @param change one whose header was inspected, and is in its place
 */
export function plainTexts(change: Uint8Array, place: AppendPlace): string[] | undefined {
  const operations = operationsOf(change)
  const values = valuesIn(Buffer.from(operations), place)
  if (values === undefined || !equalBytes(operations, operationsOfAppend(values, place))) return undefined
  // of empty texts alone the CRDT saves a document that it cannot load
  const areTexts = values.every((value) => value.length > 0 && isUtf8(value))
  return areTexts ? values.map(String) : undefined
}

/** What its column of values holds, if that is as many strings as the change has entries. */
function valuesIn(operations: Buffer, place: AppendPlace): Buffer[] | undefined {
  const columns = columnsIn(operations)
  const kinds = kindsIn(columns.get(VALUE_KIND), place.size + 1).slice(isNewPage(place) ? 1 : 0)
  const bytes = columns.get(VALUE)
  if (bytes === undefined || kinds.length !== place.size || kinds.some((kind) => kind % KINDS !== STRING))
    return undefined
  const cursor = new Cursor(bytes)
  const values = kinds.map((kind) => cursor.take(Math.floor(kind / KINDS)))
  return cursor.atEnd ? values : undefined
}

function columnsIn(operations: Buffer): Map<number, Buffer> {
  const cursor = new Cursor(operations)
  for (let others = cursor.uleb(); others > 0; others--) cursor.take(cursor.uleb())
  const table = Array.from({ length: cursor.uleb() }, () => [cursor.uleb(), cursor.uleb()] as const)
  return new Map(table.map(([spec, length]) => [spec, cursor.take(length)]))
}

/** At most `most` of them, and none behind a null. */
function kindsIn(column: Buffer = Buffer.alloc(0), most: number): number[] {
  const cursor = new Cursor(column)
  const kinds: number[] = []
  while (!cursor.atEnd && kinds.length < most) {
    const run = cursor.sleb()
    if (run === 0) return kinds
    const value = run > 0 ? cursor.uleb() : 0
    for (let i = 0; i < Math.abs(run) && kinds.length <= most; i++) kinds.push(run > 0 ? value : cursor.uleb())
  }
  return kinds
}

function isNewPage({ actor, count }: AppendPlace): boolean {
  return placeOf(actor, count).index === 0
}

/** What Automerge writes behind the header of a change that appends these texts in this place. None of them empty. */
export function operationsOfAppend(values: readonly Buffer[], place: AppendPlace): Uint8Array {
  const isNew = isNewPage(place)
  const columns = isNew ? newPageColumns(values, place) : furtherColumns(values, place)
  columns.push([ACTION, runs([...(isNew ? [MAKE_LIST] : []), ...values.map(() => SET)], uleb)])
  columns.push([
    VALUE_KIND,
    runs([...(isNew ? [0] : []), ...values.map(({ length }) => length * KINDS + STRING)], uleb),
  ])
  columns.push([VALUE, Buffer.concat(values)])
  columns.push([
    PREDECESSORS,
    runs(
      Array.from({ length: values.length + Number(isNew) }, () => 0),
      uleb,
    ),
  ])
  const table = columns.flatMap(([spec, { length }]) => [...uleb(spec), ...uleb(length)])
  const others = isNew ? [1, ...GENESIS_ACTOR] : [0]
  return Buffer.concat([
    Buffer.from([...others, columns.length, ...table]),
    ...columns.map(([, bytes]) => Buffer.from(bytes)),
  ])
}

type Column = [spec: number, bytes: number[] | Buffer]

/** The page under its name in the log, then the texts in it from its beginning. */
function newPageColumns(values: readonly Buffer[], { actor, count, startOp }: AppendPlace): Column[] {
  const name = Buffer.from(placeOf(actor, count).page)
  return [
    [OBJECT_ACTOR, runs([GENESIS, ...values.map(() => OWN)], uleb)],
    [OBJECT_COUNTER, runs([GENESIS_OPS, ...values.map(() => startOp)], uleb)],
    // the name and the beginning of a list have no actor, and a column without any value is left out
    ...(values.length > 1 ? [[KEY_ACTOR, runs([null, null, ...values.slice(1).map(() => OWN)], uleb)] as Column] : []),
    [KEY_COUNTER, deltas([null, ...values.map((_, i) => (i === 0 ? HEAD_OF_LIST : startOp + i))])],
    [KEY_NAME, [...listOfOne, ...uleb(name.length), ...name, ...nulls(values.length)]],
    [INSERT, switches([false, ...values.map(() => true)])],
  ]
}

/** The texts behind the last entry of the page. */
function furtherColumns(values: readonly Buffer[], { startOp, pageOp, entryOp }: AppendPlace): Column[] {
  return [
    [
      OBJECT_ACTOR,
      runs(
        values.map(() => OWN),
        uleb,
      ),
    ],
    [
      OBJECT_COUNTER,
      runs(
        values.map(() => pageOp),
        uleb,
      ),
    ],
    [
      KEY_ACTOR,
      runs(
        values.map(() => OWN),
        uleb,
      ),
    ],
    [KEY_COUNTER, deltas(values.map((_, i) => (i === 0 ? entryOp : startOp + i - 1)))],
    [INSERT, switches(values.map(() => true))],
  ]
}

const listOfOne = [0x7f]

function nulls(count: number): number[] {
  return [0, ...uleb(count)]
}
