import { problem } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'

const post = (body: string, type = 'application/json', url = '/api/conversations') => ({
  method: 'POST' as const,
  url,
  body,
  headers: { ...withToken, 'content-type': type },
})

it('every refusal is problem details with code, title and what to do', async () => {
  const { agents, facts } = doorsUnderTest()
  const response = await agents.inject(post('{"topic":'))
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(answerOf(response, 400, problem)).toMatchObject({
    type: 'urn:bzzz:problem:request-invalid',
    title: 'The request is not valid',
    status: 400,
    code: 'REQUEST_INVALID',
  })
  expect(facts).toContainEqual(expect.objectContaining({ type: 'refused', door: 'agents', code: 'REQUEST_INVALID' }))
  expect(facts).toContainEqual(expect.objectContaining({ type: 'answered', route: '/api/conversations', status: 400 }))
})

it.each([
  [
    'a body above 256 KiB',
    post(JSON.stringify({ topic: 'x', content: 'y'.repeat(256 * 1024) })),
    413,
    'BODY_TOO_LARGE',
  ],
  [
    'a review above 16 MiB',
    post(' '.repeat(16 * 1024 * 1024 + 1), 'application/json', '/api/reviews'),
    413,
    'BODY_TOO_LARGE',
  ],
  [
    'a form, which a page of others could send',
    post('topic=x', 'application/x-www-form-urlencoded'),
    415,
    'MEDIA_TYPE_UNSUPPORTED',
  ],
  ['plain text', post('{"topic":"x"}', 'text/plain'), 415, 'MEDIA_TYPE_UNSUPPORTED'],
  ['an empty body', post(''), 400, 'REQUEST_INVALID'],
  ['a poisoned prototype', post('{"__proto__":{"topic":"x"}}'), 400, 'REQUEST_INVALID'],
  ['a broken address', { method: 'GET' as const, url: '/api/agents/%zz' }, 400, 'REQUEST_INVALID'],
])('refuses %s', async (_, request, status, code) => {
  const { agents } = doorsUnderTest()
  expect(answerOf(await agents.inject(request), status, problem).code).toBe(code)
})

it('tells the log, not the caller, why the node failed', async () => {
  const { agents, mesh, facts } = doorsUnderTest()
  const error = new Error('disk on fire at /secret/place')
  mesh.cards = () => {
    throw error
  }
  const response = await agents.inject('/api/agents')
  expect(answerOf(response, 500, problem).code).toBe('INTERNAL')
  expect(response.body).not.toContain('secret')
  expect(facts).toContainEqual({ type: 'failed', door: 'agents', route: '/api/agents', error })
})

it('names the first few places where a body is wrong', async () => {
  const { agents } = doorsUnderTest()
  const files = Array.from({ length: 100 }, () => ({ path: '/etc/passwd' }))
  const answer = answerOf(
    await agents.inject(post(JSON.stringify({ change: { files } }), undefined, '/api/reviews')),
    400,
    problem,
  )
  expect(answer.errors).toHaveLength(20)
  expect(answer.errors?.map(({ path }) => path)).toContain('body/change/files/0/path')
})
