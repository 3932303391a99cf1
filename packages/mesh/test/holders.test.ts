import type { SeqVector } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { Holders } from '../src/repair/holders.ts'
import { identityOf, threadNamed } from './network.ts'

const { peer } = identityOf('ada').signer
const latest = { seq: 1, hash: 'ab'.repeat(32) }
const ours: SeqVector = new Map([['aa', latest]])

it('what a peer says last takes the place of what it said before', () => {
  const holders = new Holders()
  const thread = threadNamed('one')
  holders.same(peer, thread, ours)
  expect(holders.has(peer, thread, ours)).toBe(true)
  holders.asked(peer, thread, new Map([['aa', { ...latest, seq: 7 }]]), ours)
  expect(holders.of(thread).get(peer)?.get('aa')?.seq).toBe(7)
})

it('actors that nobody knows here are not remembered', () => {
  const holders = new Holders()
  const thread = threadNamed('one')
  const theirs = new Map([...ours, ...Array.from({ length: 4_000 }, (_, i) => [`made-up-${i}`, latest] as const)])
  holders.asked(peer, thread, theirs, ours)
  expect([...(holders.of(thread).get(peer)?.keys() ?? [])]).toEqual(['aa'])
})

it('the threads of which nothing new was heard for longest are forgotten first', () => {
  const holders = new Holders(3)
  const threads = ['one', 'two', 'three', 'four'].map(threadNamed)
  for (const thread of threads.slice(0, 3)) holders.same(peer, thread, ours)
  for (const thread of [threads[0], threads[3]]) if (thread !== undefined) holders.same(peer, thread, ours)
  expect(threads.map((thread) => holders.of(thread).size)).toEqual([1, 0, 1, 1])
})
