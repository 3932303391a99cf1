import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createEventRing } from '../../src/http/events/ring.ts'
import { openStream } from '../../src/http/events/stream.ts'

describe('the ring', () => {
  it('hands events out in order, each once', () => {
    const ring = createEventRing('run')
    ring.publish('entry', 't1', { n: 1 })
    ring.publish('peer', null, { n: 2 })
    expect(ring.next(0)).toEqual({ seq: 1, event: 'entry', thread: 't1', data: '{"n":1}' })
    expect(ring.next(1)).toMatchObject({ seq: 2, thread: null })
    expect(ring.next(2)).toBeUndefined()
  })

  it.each([
    ['events', { events: 2, chars: 1000 }],
    ['characters', { events: 100, chars: 30 }],
  ])('is bounded by %s', (_, bounds) => {
    const ring = createEventRing('run', bounds)
    for (let n = 1; n <= 9; n++) ring.publish('peer', null, { n, x: 0 })
    expect([ring.next(6), ring.next(7)]).toMatchObject(['lost', { seq: 8 }])
  })

  it('keeps one event that alone is above the bound', () => {
    const ring = createEventRing('run', { events: 9, chars: 3 })
    ring.publish('peer', null, 'longer than that')
    expect(ring.next(0)).toMatchObject({ seq: 1 })
  })

  it.each(['other.1', 'run.2', 'run', 'run.-1', '', 'run.1x'])('does not know the cursor "%s"', (cursor) => {
    const ring = createEventRing('run')
    ring.publish('peer', null, {})
    expect(ring.seqOf('run.1')).toBe(1)
    expect(ring.seqOf(cursor)).toBeUndefined()
  })
})

/** A client whose buffer is full when the test says so. */
class Client extends EventEmitter {
  text = ''
  full = false
  condition: 'open' | 'ended' | 'destroyed' = 'open'

  write(text: string): boolean {
    this.text += text
    return !this.full
  }

  end(): void {
    this.condition = 'ended'
  }

  destroy(): void {
    this.condition = 'destroyed'
  }

  read(): void {
    this.full = false
    this.emit('drain')
  }

  taken(): string {
    const { text } = this
    this.text = ''
    return text
  }
}

function streamOf(bounds?: { events: number; chars: number }) {
  const ring = createEventRing('run', bounds)
  const client = new Client()
  let slow = 0
  const open = (after?: string, thread?: string) =>
    openStream({
      ring,
      sink: client,
      after,
      wants: (event) => thread === undefined || event.thread === thread,
      onSlow: () => (slow += 1),
    })
  return { ring, client, open, slow: () => slow }
}

describe('a stream', () => {
  it('begins with its cursor and sends what comes after', () => {
    const { ring, client, open } = streamOf()
    ring.publish('peer', null, 'before')
    open()
    expect(client.taken()).toBe('retry: 2000\nid: run.1\n\n')
    ring.publish('entry', 't1', { content: 'two\nlines' })
    expect(client.taken()).toBe('id: run.2\nevent: entry\ndata: {"content":"two\\nlines"}\n\n')
  })

  it('goes on behind the cursor that the client has', () => {
    const { ring, client, open } = streamOf()
    for (const n of [1, 2, 3]) ring.publish('peer', null, n)
    open('run.1')
    expect(client.text.match(/^data: .*/gm)).toEqual(['data: 2', 'data: 3'])
  })

  it.each(['gone.7', 'run.0'])('tells a client with the cursor %s to reset', (cursor) => {
    const { ring, client, open } = streamOf({ events: 1, chars: 100 })
    for (const n of [1, 2, 3]) ring.publish('peer', null, n)
    open(cursor)
    expect(client.text).toBe('retry: 2000\nid: run.3\nevent: reset\ndata: {"cursor":"run.3"}\n\n')
  })

  it('sends only what the client wants', () => {
    const { ring, client, open } = streamOf()
    open(undefined, 't1')
    for (const thread of ['t1', 't2', null]) ring.publish('entry', thread, { thread })
    expect(client.text.match(/^data: .*/gm)).toEqual(['data: {"thread":"t1"}'])
  })

  it('waits for a client whose buffer is full, then goes on where it was', () => {
    const { ring, client, open } = streamOf()
    open()
    client.full = true
    for (const n of [1, 2, 3]) ring.publish('peer', null, n)
    expect(client.text.match(/^data: .*/gm)).toEqual(['data: 1'])
    client.read()
    expect(client.text.match(/^data: .*/gm)).toEqual(['data: 1', 'data: 2', 'data: 3'])
  })

  it('cuts a client that falls behind the ring', () => {
    const { ring, client, open, slow } = streamOf({ events: 2, chars: 1000 })
    open()
    client.full = true
    for (const n of [1, 2, 3]) ring.publish('peer', null, n)
    expect(client.condition).toBe('open')
    ring.publish('peer', null, 4)
    expect([client.condition, slow()]).toEqual(['destroyed', 1])
    client.taken()
    ring.publish('peer', null, 5)
    expect(client.text).toBe('')
  })

  it('cuts a client that took nothing between two beats', () => {
    const { ring, client, open } = streamOf()
    const stream = open()
    stream.beat()
    expect(client.text).toContain(': beat\n\n')
    client.full = true
    ring.publish('peer', null, 1)
    stream.beat()
    expect(client.condition).toBe('open')
    stream.beat()
    expect(client.condition).toBe('destroyed')
  })

  it('offers what is of no use later without a cursor, and leaves it out for a client that does not keep up', () => {
    const { ring, client, open } = streamOf()
    const stream = open()
    client.taken()
    expect(stream.offer('tokens', { text: 'one' })).toBe(true)
    expect(client.taken()).toBe('event: tokens\ndata: {"text":"one"}\n\n')
    client.full = true
    expect(stream.offer('tokens', { text: 'two' })).toBe(true)
    for (let n = 0; n < 10_000; n++) expect(stream.offer('tokens', { text: 'x'.repeat(2_000) })).toBe(false)
    expect(client.taken()).toBe('event: tokens\ndata: {"text":"two"}\n\n')
    ring.publish('entry', null, 'kept')
    client.read()
    expect(client.text.match(/^data: .*/gm)).toEqual(['data: "kept"'])
    expect(stream.offer('tokens', { text: 'again' })).toBe(true)
    stream.end()
    expect(stream.offer('tokens', { text: 'over' })).toBe(false)
  })

  it('ends once, and says nothing after', () => {
    const { ring, client, open, slow } = streamOf()
    const stream = open()
    client.taken()
    stream.end()
    stream.end()
    stream.beat()
    ring.publish('peer', null, 1)
    expect([client.condition, client.text, slow()]).toEqual(['ended', '', 0])
  })
})
