import { newThreadId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { openArrival } from '../src/arrival.ts'
import { Orphans } from '../src/orphans.ts'
import { Pen } from './pen.ts'
import { mesh, signerOf } from './place.ts'

const thread = newThreadId(0, new Uint8Array(10))

function arrivals(member: number, count: number) {
  const pen = new Pen(signerOf(member), thread)
  return Array.from({ length: count }, (_, i) => openArrival(mesh, () => true, pen.append(`entry ${i}`)))
}

test('an orphan comes back once, when the cause it waits for is there', () => {
  const orphans = new Orphans()
  const [first, second] = arrivals(1, 2)
  if (first === undefined || second === undefined) throw new Error('no arrivals')
  expect(orphans.hold(second, first.header.hash)).toBe(0)
  expect(orphans.hold(second, first.header.hash)).toBe(0)
  expect(orphans.size).toBe(1)
  expect(orphans.release(thread, second.header.hash)).toEqual([])
  expect(orphans.release(thread, first.header.hash)).toEqual([second])
  expect(orphans.release(thread, first.header.hash)).toEqual([])
  expect(orphans.size).toBe(0)
})

test('an author beyond its share pushes out its own oldest, nobody else', () => {
  const orphans = new Orphans({ perAuthorBytes: 16 * 1024, totalBytes: 1024 * 1024 })
  for (const arrival of arrivals(1, 3)) orphans.hold(arrival, 'a cause of the first')
  const flood = arrivals(2, 100)
  const dropped = flood.map((arrival) => orphans.hold(arrival, 'a cause of the second')).reduce((a, b) => a + b)
  expect(orphans.size).toBe(103 - dropped)
  expect(orphans.release(thread, 'a cause of the first').length).toBe(3)
  expect(orphans.release(thread, 'a cause of the second')).toEqual(flood.slice(dropped))
})

test('the whole is bounded too, oldest out first', () => {
  const orphans = new Orphans({ perAuthorBytes: 16 * 1024, totalBytes: 20 * 1024 })
  const early = arrivals(1, 8)
  for (const arrival of early) orphans.hold(arrival, 'a cause')
  const late = arrivals(2, 8)
  for (const arrival of late) orphans.hold(arrival, 'a cause')
  const kept = orphans.release(thread, 'a cause')
  expect(kept.length).toBeGreaterThan(8)
  expect(kept).toEqual([...early, ...late].slice(-kept.length))
})
