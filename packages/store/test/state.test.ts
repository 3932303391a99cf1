import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openState } from '../src/open.ts'
import { guardState, type LevelLike, type Room } from '../src/state.ts'

const bytes = (text: string) => Buffer.from(text)

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-store-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function openTemporary() {
  const state = await openState({ directory: await temporaryDirectory() })
  onTestFinished(() => state.close())
  return state
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A disk that keeps batches waiting until the test lets one through or fails it. */
function slowDisk() {
  const batches: { keys: string[]; sync: boolean; pass: () => void; fail: (error: Error) => void }[] = []
  let closed = false
  const level: LevelLike = {
    batch: (operations, { sync }) =>
      new Promise((resolve, reject) => {
        batches.push({ keys: operations.map(({ key }) => key), sync, pass: resolve, fail: reject })
      }),
    get: async () => undefined,
    getSync: () => undefined,
    async *iterator() {},
    async *keys() {},
    close: async () => {
      closed = true
    },
  }
  return { batches, level, isClosed: () => closed }
}

const put = (room: Room, key: string) => room.write([{ put: key, value: bytes(key) }])

describe('a room', () => {
  test('keeps what was written, in the order of its keys, apart from other rooms', async () => {
    const state = await openTemporary()
    const [words, money] = [state.room('words'), state.room('money')]
    await words.write(['b', 'a', 'c/d'].map((key) => ({ put: key, value: bytes(`word ${key}`) })))
    await money.write([{ put: 'b', value: bytes('coin b') }])
    expect(await collect(words.keys())).toEqual(['a', 'b', 'c/d'])
    expect(await collect(words.keys({ reverse: true, limit: 2 }))).toEqual(['c/d', 'b'])
    expect(await collect(words.keys({ gt: 'a', lte: 'b' }))).toEqual(['b'])
    expect(await collect(words.keys({ gte: 'b', lt: 'c0' }))).toEqual(['b', 'c/d'])
    expect((await collect(money.entries())).map(([key, value]) => [key, String(Buffer.from(value))])).toEqual([
      ['b', 'coin b'],
    ])
    await words.write([{ del: 'b' }])
    expect(await words.get('b')).toBeUndefined()
    expect(Buffer.from((await money.get('b')) ?? []).toString()).toBe('coin b')
  })

  test('survives closing and opening again, with batches over several rooms', async () => {
    const directory = await temporaryDirectory()
    const before = await openState({ directory })
    await before.write([
      { room: 'words', put: 'key', value: bytes('one') },
      { room: 'money', put: 'key', value: bytes('two') },
    ])
    await before.close()
    const after = await openState({ directory })
    onTestFinished(() => after.close())
    expect(Buffer.from((await after.room('words').get('key')) ?? []).toString()).toBe('one')
    expect(Buffer.from((await after.room('money').get('key')) ?? []).toString()).toBe('two')
  })

  test('has a name of letters, so that no room can reach into another', async () => {
    const state = await openTemporary()
    expect(() => state.room('words/more')).toThrow(RangeError)
    await expect(state.write([{ room: 'words/more', put: 'key', value: bytes('x') }])).rejects.toThrow(RangeError)
  })
})

describe('writing', () => {
  test('gathers what waits while one batch is being synced, in the order of the calls', async () => {
    const { batches, level } = slowDisk()
    const state = guardState(level)
    const [words, money] = [state.room('words'), state.room('money')]
    const done: string[] = []
    const writes = [put(words, '1'), put(money, '2'), put(words, '3'), put(money, '4')]
    writes.forEach((write, i) => void write.then(() => done.push(String(i + 1))))
    expect(batches.map(({ keys }) => keys)).toEqual([['words/1']])
    batches[0]?.pass()
    await writes[0]
    await Promise.resolve()
    expect(batches.map(({ keys }) => keys)).toEqual([['words/1'], ['money/2', 'words/3', 'money/4']])
    expect(done).toEqual(['1'])
    batches[1]?.pass()
    await Promise.all(writes)
    expect(done).toEqual(['1', '2', '3', '4'])
    expect(batches.every(({ sync }) => sync)).toBe(true)
  })

  test('keeps a batch small: large values go out one by one', async () => {
    const { batches, level } = slowDisk()
    const room = guardState(level).room('blobs')
    const large = new Uint8Array(3 * 1024 * 1024)
    const writes = ['1', '2', '3'].map((key) => room.write([{ put: key, value: large }]))
    for (let i = 0; i < writes.length; i++) {
      batches[i]?.pass()
      await writes[i]
      await Promise.resolve()
    }
    expect(batches.map(({ keys }) => keys.length)).toEqual([1, 1, 1])
  })

  test('fails for all rooms and for good after the first failed write', async () => {
    const { batches, level } = slowDisk()
    const freezes: unknown[] = []
    const state = guardState(level, { onFreeze: (cause) => freezes.push(cause) })
    const [words, money] = [state.room('words'), state.room('money')]
    const [failed, waiting] = [put(words, '1'), put(money, '2')]
    const broken = new Error('input/output error')
    batches[0]?.fail(broken)
    await expect(failed).rejects.toMatchObject({ code: 'STATE_WRITE_FAILED', cause: broken })
    await expect(waiting).rejects.toMatchObject({ code: 'STATE_FROZEN' })
    await expect(put(money, '3')).rejects.toMatchObject({ code: 'STATE_FROZEN' })
    await expect(state.write([{ room: 'words', del: '1' }])).rejects.toMatchObject({ code: 'STATE_FROZEN' })
    expect(batches.length).toBe(1)
    expect(state.condition).toBe('frozen')
    expect(freezes).toEqual([broken])
    await state.close()
    expect(state.condition).toBe('closed')
  })

  test('refuses more than ten thousand waiting writes', async () => {
    const { batches, level } = slowDisk()
    const state = guardState(level)
    const room = state.room('words')
    const writes = Array.from({ length: 10_001 }, (_, i) => put(room, String(i)))
    await expect(put(room, 'one too many')).rejects.toMatchObject({ code: 'STATE_BUSY' })
    for (let i = 0; i < batches.length; i++) {
      batches[i]?.pass()
      await writes[i * 256]
      await Promise.resolve()
    }
    await Promise.all(writes)
    expect(batches.length).toBe(41)
  })
})

describe('closing', () => {
  test('waits for writes in hand, then refuses', async () => {
    const { batches, level, isClosed } = slowDisk()
    const state = guardState(level)
    const room = state.room('words')
    const [first, second] = [put(room, '1'), put(room, '2')]
    const closed = Promise.all([state.close(), state.close()])
    await expect(put(room, '3')).rejects.toMatchObject({ code: 'STATE_CLOSED' })
    expect(isClosed()).toBe(false)
    batches[0]?.pass()
    await first
    await Promise.resolve()
    batches[1]?.pass()
    await second
    await closed
    expect(isClosed()).toBe(true)
    await expect(room.get('1')).rejects.toMatchObject({ code: 'STATE_CLOSED' })
    await expect(collect(room.keys())).rejects.toMatchObject({ code: 'STATE_CLOSED' })
  })
})

describe('opening', () => {
  test('is refused while another process holds the directory', async () => {
    const directory = await temporaryDirectory()
    const holder = fork(new URL('holder.ts', import.meta.url), [directory], { execArgv: ['--conditions=bzzz-src'] })
    onTestFinished(() => void holder.kill())
    const [message] = await once(holder, 'message')
    expect(message).toBe('open')
    await expect(openState({ directory })).rejects.toMatchObject({ name: 'StateError', code: 'STATE_IN_USE' })
    holder.send('close')
    await once(holder, 'exit')
    const state = await openState({ directory })
    await state.close()
  })

  test('names what is wrong with a directory that cannot be one', async () => {
    const opened = openState({ directory: '/dev/null/state' })
    await expect(opened).rejects.toMatchObject({ code: 'STATE_OPEN_FAILED' })
    await expect(opened).rejects.toThrow('/dev/null/state')
  })
})
