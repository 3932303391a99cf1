import { type ProblemCode, problem } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest, TOKEN, withToken } from './doors-under-test.ts'

const get = (headers: Record<string, string>, url = '/api/agents') => ({ method: 'GET' as const, url, headers })

describe('on loopback', () => {
  const { agents } = doorsUnderTest()
  const codeOf = async (headers: Record<string, string>): Promise<ProblemCode> =>
    answerOf(await agents.inject(get(headers)), 403, problem).code

  it.each(['localhost', '127.0.0.1:8081', '127.8.9.1', '[::1]:8081', 'LOCALHOST:1'])(
    'answers to the name %s',
    async (host) => {
      expect((await agents.inject(get({ host }))).statusCode).toBe(200)
    },
  )

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    '127.0.0.1@evil',
    'a b',
  ])('refuses the name %s, which a rebound page would send', async (host) => {
    expect(await codeOf({ host })).toBe('HOST_REFUSED')
  })

  it.each(['http://evil.example', 'null', 'http://127.0.0.1:9999', 'http://localhost:80'])(
    'refuses a page of %s',
    async (origin) => {
      expect(await codeOf({ host: '127.0.0.1:80', origin })).toBe('ORIGIN_REFUSED')
    },
  )

  it('answers its own page', async () => {
    const headers = { host: '127.0.0.1:8081', origin: 'http://127.0.0.1:8081' }
    expect((await agents.inject(get(headers))).statusCode).toBe(200)
  })

  it('wants a token only for writing', async () => {
    const post = { method: 'POST' as const, url: '/api/conversations', body: { topic: 'x' } }
    const refused = await agents.inject(post)
    expect(answerOf(refused, 401, problem)).toMatchObject({ code: 'TOKEN_REQUIRED' })
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="bzzz"')
    expect((await agents.inject({ ...post, headers: withToken })).statusCode).toBe(201)
  })

  it.each(['', 'Bearer', 'Bearer ', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN])(
    'does not take "%s" for the token',
    async (authorization) => {
      const post = {
        method: 'POST' as const,
        url: '/api/conversations',
        body: { topic: 'x' },
        headers: { authorization },
      }
      expect((await agents.inject(post)).statusCode).toBe(401)
    },
  )

  it('refuses before it reads: neither the body nor the route matters to a stranger', async () => {
    expect(
      (await agents.inject({ method: 'POST', url: '/nowhere', headers: { host: 'evil.example' }, body: '{' }))
        .statusCode,
    ).toBe(403)
  })
})

describe('on any other address', () => {
  const { agents, node } = doorsUnderTest({ host: '0.0.0.0' })

  it('wants the token for everything', async () => {
    for (const [door, url] of [
      [agents, '/api/agents'],
      [agents, '/health'],
      [node, '/metrics'],
      [node, '/nowhere'],
    ] as const) {
      expect((await door.inject(get({ host: '192.0.2.7:8081' }, url))).statusCode).toBe(401)
    }
    expect((await agents.inject(get({ host: '192.0.2.7:8081', ...withToken }))).statusCode).toBe(200)
  })

  it('still refuses the pages of others', async () => {
    const headers = { host: '192.0.2.7:8081', origin: 'http://evil.example', ...withToken }
    expect(answerOf(await agents.inject(get(headers)), 403, problem).code).toBe('ORIGIN_REFUSED')
  })
})
