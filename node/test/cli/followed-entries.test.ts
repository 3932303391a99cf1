import type { EntryView } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { createFollowedEntries } from '../../src/cli/followed-entries.ts'

function follow() {
  const said: string[] = []
  const entries = createFollowedEntries({
    show: ({ id, change }) => said.push(`+${id} ${change}`),
    withdraw: ({ id, change }) => said.push(`-${id} ${change}`),
  })
  return { said, entries }
}

function entry(id: string, change: string, author = 'human:ada@walnut'): EntryView {
  return { id, change, author } as EntryView
}

test('an entry that comes while all are being read is shown once', () => {
  const { said, entries } = follow()
  entries.came(entry('one', 'c1'))
  entries.are([entry('zero', 'c0'), entry('one', 'c1')])
  expect(said).toEqual(['+one c1', '+zero c0'])
})

test('one that was taken back and written again at once is not shown a second time', () => {
  const { said, entries } = follow()
  entries.are([entry('one', 'c1')])
  entries.are([entry('one', 'c9')])
  entries.came(entry('one', 'c9'))
  expect(said).toEqual(['+one c1'])
})

test('one that is gone is withdrawn, and shown when it comes again', () => {
  const { said, entries } = follow()
  entries.are([entry('one', 'c1'), entry('two', 'c2')])
  entries.are([entry('two', 'c2')])
  entries.came(entry('one', 'c9'))
  expect(said).toEqual(['+one c1', '+two c2', '-one c1', '+one c9'])
})

test('one id of two authors is two entries', () => {
  const { said, entries } = follow()
  entries.are([entry('one', 'c1', 'human:ada@walnut'), entry('one', 'c2', 'human:bob@acacia')])
  expect(said).toHaveLength(2)
})
