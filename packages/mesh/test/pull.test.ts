import type { PeerId } from '@bzzz/protocols'
import { packPage } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { InHand } from '../src/in-hand.ts'
import { ColdJoins } from '../src/repair/cold.ts'
import { Pull, type PullOptions } from '../src/repair/pull.ts'
import { threadNamed, until } from './network.ts'

const thread = threadNamed('long')

/** One peer that answers each question with an empty page, and counts them. */
function pulling({ joinMs }: Pick<PullOptions, 'joinMs'>) {
  const cold = new ColdJoins()
  const ended = new AbortController()
  const asked: string[] = []
  const link = {
    peer: 'ada' as PeerId,
    ended: ended.signal,
    get open() {
      return !ended.signal.aborted
    },
    ask: async ({ t }: { t: string }) => {
      asked.push(t)
      return { t: 'page', packed: await packPage([]), more: false }
    },
  }
  const options = {
    ...{ link, cold, inHand: new InHand(), observe: () => {} },
    ...(joinMs === undefined ? {} : { joinMs }),
    snapshots: { take: async () => {} },
    threads: { vector: async () => new Map(), digest: async () => new Map() },
    receiver: { take: async () => 0 },
  }
  return { pull: new Pull(options as unknown as PullOptions), cold, asked, end: () => ended.abort() }
}

describe('who fetches a thread while another peer sends a snapshot of it', () => {
  it('waits for that, then asks for what is beyond it', async () => {
    const { pull, cold, asked } = pulling({})
    cold.begin(thread)
    let fetched = false
    const fetching = pull.fetch(thread).then(() => {
      fetched = true
    })
    pull.want(threadNamed('other'))
    await until(() => asked.length === 1) // the other one is not held up
    expect(fetched).toBe(false)
    cold.end(thread)
    await fetching
    expect(asked).toEqual(['vectors', 'vectors'])
  })

  it('does not wait for a slow one for long', async () => {
    const { pull, cold, asked } = pulling({ joinMs: 1 })
    cold.begin(thread)
    await pull.fetch(thread)
    expect(asked).toEqual(['vectors'])
  })

  it('is told when nobody can be asked any more', async () => {
    const { pull, cold, asked, end } = pulling({})
    cold.begin(thread)
    const fetching = pull.fetch(thread)
    end()
    await fetching
    expect(asked).toEqual([])
  })
})
