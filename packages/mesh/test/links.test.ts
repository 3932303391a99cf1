import type { Frame, PeerId } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { Link } from '../src/link/link.ts'
import { Links } from '../src/link/links.ts'
import { identityOf, namesInOrder } from './network.ts'

const [LOW, HIGH] = namesInOrder('ada', 'bob').map((name) => identityOf(name).signer.peer) as [PeerId, PeerId]

/** A link to a peer that takes everything, and pings when told to. */
function linkTo(peer: PeerId): { link: Link; ping: () => void } {
  const { promise, resolve } = Promise.withResolvers<Frame>()
  const frames = [promise, new Promise<Frame>(() => undefined)]
  const link = new Link({
    peer,
    direction: 'dialled',
    address: '/ip4/127.0.0.1/tcp/1',
    frames: { blocked: false, heardAt: 0, read: async () => frames.shift() ?? promise, write: async () => undefined },
    abort: () => undefined,
    pingMs: 60_000,
    answerMs: 60_000,
    now: Date.now,
    onRefused: () => undefined,
  })
  link.listen(async () => undefined)
  return { link, ping: () => resolve({ t: 'ping', n: 1 }) }
}

function linksOf(self: PeerId): { links: Links; events: string[] } {
  const events: string[] = []
  const links = new Links({ self, onUp: () => events.push('up'), onDown: (_link, reason) => events.push(reason) })
  return { links, events }
}

describe('of two links to one peer', () => {
  it('the newer is the one in use', () => {
    const { links } = linksOf(LOW)
    const [older, newer] = [linkTo(HIGH), linkTo(HIGH)]
    links.add(older.link)
    expect(links.get(HIGH)).toBe(older.link)
    links.add(newer.link)
    expect(links.all()).toEqual([newer.link])
    for (const { link } of [older, newer]) link.close('end of test')
  })

  it('the lower id closes the older, once it has heard the peer on the newer', async () => {
    const { links, events } = linksOf(LOW)
    const [older, newer] = [linkTo(HIGH), linkTo(HIGH)]
    links.add(older.link)
    links.add(newer.link)
    expect(older.link.open).toBe(true)
    newer.ping()
    expect(await older.link.closed).toBe('replaced by a newer connection')
    expect([newer.link.open, ...events]).toEqual([true, 'up'])
    newer.link.close('end of test')
  })

  it('the higher id closes none, and falls back on what the other leaves', async () => {
    const { links, events } = linksOf(HIGH)
    const [older, newer] = [linkTo(LOW), linkTo(LOW)]
    links.add(older.link)
    links.add(newer.link)
    newer.ping()
    await newer.link.heard
    expect(older.link.open).toBe(true)
    newer.link.close('hung up')
    expect(links.get(LOW)).toBe(older.link)
    older.link.close('hung up as well')
    await older.link.closed
    expect(events).toEqual(['up', 'hung up as well'])
    expect(links.all()).toEqual([])
  })

  it('no peer gets to keep more than a few', () => {
    const { links } = linksOf(HIGH)
    const all = Array.from({ length: 10 }, () => linkTo(LOW).link)
    for (const link of all) links.add(link)
    expect(all.filter((link) => link.open).length).toBeLessThanOrEqual(4)
    for (const link of all) link.close('end of test')
  })
})
