import { setTimeout } from 'node:timers/promises'

/** Posts `count` times, `gapMs` apart. @returns when each was begun, milliseconds of the monotonic clock */
export async function paced(count: number, gapMs: number, post: (i: number) => Promise<void>): Promise<number[]> {
  const begun: number[] = []
  const posts: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    begun.push(Number(process.hrtime.bigint()) / 1e6)
    posts.push(post(i))
    await setTimeout(gapMs)
  }
  await Promise.all(posts)
  return begun
}
