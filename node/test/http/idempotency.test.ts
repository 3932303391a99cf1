import { postedAnswer, problem } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'

const opening = (key: string, topic = 'once') => ({
  method: 'POST' as const,
  url: '/api/conversations',
  body: { topic },
  headers: { ...withToken, 'idempotency-key': key },
})

describe('an idempotency key', () => {
  it('makes the second request the answer of the first', async () => {
    const { agents, threads } = doorsUnderTest()
    const first = answerOf(await agents.inject(opening('key-1')), 201, postedAnswer)
    const second = answerOf(await agents.inject(opening('key-1')), 201, postedAnswer)
    expect(second).toEqual(first)
    expect(threads.threads.size).toBe(1)
  })

  it('holds while the first is still under way', async () => {
    const { agents, threads } = doorsUnderTest()
    const answers = await Promise.all([1, 2, 3].map(() => agents.inject(opening('key-1'))))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(threads.threads.size).toBe(1)
  })

  it('is refused for another body', async () => {
    const { agents } = doorsUnderTest()
    await agents.inject(opening('key-1'))
    expect(answerOf(await agents.inject(opening('key-1', 'twice')), 409, problem).code).toBe('IDEMPOTENCY_KEY_REUSED')
  })

  it('is free again after a failure', async () => {
    const { agents, threads } = doorsUnderTest()
    const create = threads.create.bind(threads)
    threads.create = async () => Promise.reject(Object.assign(new Error('busy'), { code: 'STATE_BUSY' }))
    expect((await agents.inject(opening('key-1'))).statusCode).toBe(503)
    threads.create = create
    expect((await agents.inject(opening('key-1'))).statusCode).toBe(201)
  })

  it.each(['', 'x'.repeat(256), 'a b'])('must be 1 to 255 visible characters, not "%s"', async (key) => {
    const { agents } = doorsUnderTest()
    expect((await agents.inject(opening(key))).statusCode).toBe(400)
  })

  it('is forgotten when a thousand newer ones came', async () => {
    const { agents, threads } = doorsUnderTest()
    await agents.inject(opening('key-0'))
    for (let i = 1; i <= 1_000; i++) await agents.inject(opening(`key-${i}`))
    await agents.inject(opening('key-1000'))
    expect(threads.threads.size).toBe(1_001)
    await agents.inject(opening('key-0'))
    expect(threads.threads.size).toBe(1_002)
  })

  it('is not needed', async () => {
    const { agents, threads } = doorsUnderTest()
    const { headers: _, ...bare } = opening('')
    for (const _ of [1, 2]) await agents.inject({ ...bare, headers: withToken })
    expect(threads.threads.size).toBe(2)
  })
})
