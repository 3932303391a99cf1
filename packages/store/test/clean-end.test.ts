import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openState } from '../src/open.ts'
import { guardState, type LevelLike } from '../src/state.ts'

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-store-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A database with one word in it that ended in order. */
async function founded(): Promise<string> {
  const directory = await temporaryDirectory()
  const state = await openState({ directory })
  await state.room('words').write([{ put: 'first', value: Buffer.from('word') }])
  await state.close()
  return directory
}

/** Opens it for a look. @returns the keys that were verified; undefined when nobody was asked */
async function verifiedAtOpening(directory: string): Promise<string[] | undefined> {
  let seen: string[] | undefined
  const verify = async (room: Parameters<NonNullable<Parameters<typeof openState>[0]['verify']>>[0]) => {
    seen = []
    for await (const key of room('words').keys()) seen.push(key)
  }
  const state = await openState({ directory, verify })
  await state.close()
  return seen
}

async function holding(directory: string): Promise<ChildProcess> {
  const holder = fork(new URL('holder.ts', import.meta.url), [directory], { execArgv: ['--conditions=bzzz-src'] })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder, 'message')
  return holder
}

async function killed(holder: ChildProcess): Promise<void> {
  holder.kill('SIGKILL')
  await once(holder, 'exit')
}

describe('a state that ended in order', () => {
  test('is opened without being verified, also the first time ever', async () => {
    expect(await verifiedAtOpening(await temporaryDirectory())).toBeUndefined()
    const directory = await founded()
    expect(await verifiedAtOpening(directory)).toBeUndefined()
    expect(await verifiedAtOpening(directory)).toBeUndefined()
  })

  test('is not touched by a process that the lock turned away', async () => {
    const directory = await founded()
    const holder = await holding(directory)
    await expect(verifiedAtOpening(directory)).rejects.toMatchObject({ code: 'STATE_IN_USE' })
    await killed(holder)
    expect(await verifiedAtOpening(directory)).toEqual(['first'])
  })
})

describe('a state that did not end in order is verified at the next opening', () => {
  test('after its process was killed, once', async () => {
    const directory = await founded()
    await killed(await holding(directory))
    expect(await verifiedAtOpening(directory)).toEqual(['first'])
    expect(await verifiedAtOpening(directory)).toBeUndefined()
  })

  test('after two processes in a row were killed', async () => {
    const directory = await founded()
    await killed(await holding(directory))
    await killed(await holding(directory))
    expect(await verifiedAtOpening(directory)).toEqual(['first'])
  })

  test('when it is from before there was a mark, and when it was copied while it was open', async () => {
    const directory = await founded()
    const holder = await holding(directory)
    const copy = await temporaryDirectory()
    await cp(directory, copy, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
    await killed(holder)
    expect(await verifiedAtOpening(copy)).toEqual(['first'])
  })

  test('also when somebody opened it meanwhile who could not verify it', async () => {
    const directory = await founded()
    await killed(await holding(directory))
    await (await openState({ directory })).close()
    expect(await verifiedAtOpening(directory)).toEqual(['first'])
  })
})

describe('a state that does not verify', () => {
  test('is not opened, however often it is tried, and is given up for others to look at', async () => {
    const directory = await founded()
    await killed(await holding(directory))
    const cause = new Error('the first word is missing')
    for (const _ of ['once', 'again']) {
      await expect(openState({ directory, verify: () => Promise.reject(cause) })).rejects.toMatchObject({
        code: 'STATE_DAMAGED',
        message: `${directory} did not end in order and is damaged: the first word is missing`,
        cause,
      })
    }
    expect(await readdir(directory)).not.toContain('CLEAN')
    expect(await verifiedAtOpening(directory)).toEqual(['first'])
  })
})

describe('the end', () => {
  const disk = (batch: LevelLike['batch'], log: string[]): LevelLike => ({
    batch,
    get: async () => undefined,
    getSync: () => undefined,
    async *iterator() {},
    async *keys() {},
    close: async () => void log.push('closed'),
  })

  test('is marked after the last write and before the lock is given up', async () => {
    const log: string[] = []
    const written = Promise.withResolvers<void>()
    const level = disk(() => written.promise.then(() => void log.push('written')), log)
    const state = guardState(level, { onCleanEnd: async () => void log.push('marked') })
    const write = state.room('words').write([{ del: 'first' }])
    const closed = state.close()
    written.resolve()
    await Promise.all([write, closed])
    expect(log).toEqual(['written', 'marked', 'closed'])
  })

  test('is not marked after a failed write, not even one that fails while it is closed', async () => {
    const log: string[] = []
    const failing = Promise.withResolvers<void>()
    const level = disk(() => failing.promise, log)
    const state = guardState(level, { onCleanEnd: async () => void log.push('marked') })
    const write = state.room('words').write([{ del: 'first' }])
    const closed = state.close()
    failing.reject(new Error('no space left on device'))
    await expect(write).rejects.toMatchObject({ code: 'STATE_WRITE_FAILED' })
    await closed
    expect(log).toEqual(['closed'])
  })

  test('comes also when the mark cannot be left', async () => {
    const log: string[] = []
    const state = guardState(
      disk(async () => undefined, log),
      { onCleanEnd: () => Promise.reject(new Error('no space left on device')) },
    )
    await state.close()
    expect({ log, condition: state.condition }).toEqual({ log: ['closed'], condition: 'closed' })
  })
})
