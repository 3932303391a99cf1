import type { Mesh, MeshEvent } from '@bzzz/mesh'
import { expect, test } from 'vitest'
import { blobSource } from '../../src/agents/blob-source.ts'

const HASH = 'a'.repeat(64)
const bytes = Buffer.from('a change')
const calm = new AbortController().signal

/** One disk, and peers whose answers are given in order. */
function disk(held: Uint8Array[] = []) {
  return {
    held,
    blobs: {
      get: async () => held[0],
      put: async (blob: Uint8Array) => {
        held.push(blob)
        return HASH
      },
    },
  }
}

function peers(...answers: (Uint8Array | undefined)[]) {
  const listeners = new Set<(event: MeshEvent) => void>()
  let asked = 0
  const mesh: Pick<Mesh, 'fetchBlob' | 'subscribe'> = {
    fetchBlob: async () => {
      asked += 1
      return answers.shift()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const online = () => {
    const event = { type: 'peer', status: { state: 'online' } } as MeshEvent
    for (const listener of [...listeners]) listener(event)
  }
  return { mesh, online, listeners, asked: () => asked }
}

test("what lies on this node's disk is not asked of anybody", async () => {
  const { mesh, asked } = peers()
  expect(await blobSource(disk([bytes]), mesh)(HASH, { signal: calm })).toBe(bytes)
  expect(asked()).toBe(0)
})

test('what a peer sent is kept', async () => {
  const here = disk()
  expect(await blobSource(here, peers(bytes).mesh)(HASH, { signal: calm })).toBe(bytes)
  expect(here.held).toEqual([bytes])
})

test('when no peer has it yet, it is asked for again as soon as another comes', async () => {
  const { mesh, online, listeners, asked } = peers(undefined, undefined, bytes)
  const fetched = blobSource(disk(), mesh)(HASH, { signal: calm })
  for (const times of [1, 2]) {
    await expect.poll(() => [asked(), listeners.size], { interval: 1 }).toEqual([times, 1])
    online()
  }
  expect(await fetched).toBe(bytes)
  expect(listeners.size).toBe(0)
})

test('whoever gives up does not wait for peers', async () => {
  const { mesh, listeners } = peers()
  const caller = new AbortController()
  const fetched = blobSource(disk(), mesh)(HASH, { signal: caller.signal })
  await expect.poll(() => listeners.size, { interval: 1 }).toBe(1)
  caller.abort()
  expect(await fetched).toBeUndefined()
  expect(listeners.size).toBe(0)
})
