import { MAX_TOKENS_CHARS, type TokensFrame } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { ModelError } from '../../src/model/model.ts'
import { createLiveText } from '../../src/turns/live-text.ts'
import { Clock, until } from '../fakes/clock.ts'
import { House } from '../fakes/house.ts'
import { agreeable, scriptedProvider } from '../fakes/model.ts'
import { agentAt, openEntry, THREAD } from '../fakes/world.ts'

const call = { thread: THREAD, agent: agentAt(0), phase: 'findings', round: 1, step: 0, attempt: 0 } as const

function liveText() {
  const clock = new Clock()
  const frames: TokensFrame[] = []
  const text = createLiveText(call, { tokens: (frame) => frames.push(frame), sleep: clock.sleep })
  return { clock, frames, text, told: () => frames.map((frame) => [frame.offset, frame.text]) }
}

describe('the text of a running call', () => {
  it('is told in one piece each quarter of a second, with the place where it begins', async () => {
    const { clock, frames, text, told } = liveText()
    text.add('one ')
    text.add('two ')
    expect(told()).toEqual([])
    await clock.advance(250)
    text.add('three')
    await clock.advance(250)
    expect(told()).toEqual([
      [0, 'one two '],
      [8, 'three'],
    ])
    expect(frames[1]).toEqual({ v: 1, ...call, offset: 8, text: 'three' })
  })

  it('never makes more than four frames a second, however fast it comes', async () => {
    const { clock, frames, text } = liveText()
    for (let ms = 0; ms < 2_000; ms += 10) {
      text.add('x')
      await clock.advance(10)
    }
    expect(frames.length).toBe(8)
    expect(frames.map(({ text }) => text).join('')).toBe('x'.repeat(200))
  })

  it('leaves out the begin of what one frame has no room for, and the place says so', async () => {
    const { clock, text, told } = liveText()
    text.add('a'.repeat(300))
    text.add('b'.repeat(MAX_TOKENS_CHARS))
    await clock.advance(250)
    expect(told()).toEqual([[300, 'b'.repeat(MAX_TOKENS_CHARS)]])
  })

  it('is silent while nothing comes, and once the call is over', async () => {
    const { clock, text, told } = liveText()
    text.add('one')
    await clock.advance(5_000)
    text.add('two')
    text.end()
    text.add('three')
    await clock.advance(5_000)
    expect(told()).toEqual([[0, 'one']])
    expect(clock.sleeping).toBe(0)
  })

  it('is not told at all when the call is over within a quarter of a second', async () => {
    const { clock, text, told } = liveText()
    text.add('{"choice":"approve"}')
    await clock.advance(249)
    text.end()
    await clock.advance(1_000)
    expect(told()).toEqual([])
  })

  it('is well-formed when a character came in two halves', async () => {
    const { clock, text, told } = liveText()
    text.add('a\ud83d')
    await clock.advance(250)
    text.add('\udc1d!')
    await clock.advance(250)
    expect(told()).toEqual([
      [0, 'a\ufffd'],
      [2, '\ufffd!'],
    ])
  })
})

describe('an agent', () => {
  it('tells the text of each attempt under its turn, and none once it has its reply', async () => {
    const house = new House(1)
    const frames: TokensFrame[] = []
    let attempts = 0
    const { provider } = scriptedProvider(async ({ task }, { onToken, signal }) => {
      if (task.phase !== 'findings') return agreeable(task)
      attempts += 1
      onToken?.(`attempt ${attempts} says`)
      await house.clock.sleep(300, signal)
      if (attempts === 1) throw new ModelError('CUT_OFF', 'cut off', { billed: 'unknown' })
      onToken?.(' more')
      return agreeable(task)
    })
    await house.run(0, provider, { tokens: (frame) => frames.push(frame) })
    house.world.node(0).write(openEntry(1))
    while (house.world.node(0).entries('finding').length === 0) await house.clock.advance(100)
    await until(() => house.world.node(0).entries('verdict').length > 0)
    await house.clock.advance(1_000)
    const about = { v: 1, ...call, offset: 0 }
    expect(frames).toEqual([
      { ...about, attempt: 0, text: 'attempt 1 says' },
      { ...about, attempt: 1, text: 'attempt 2 says' },
    ])
    await house.close()
  })
})
