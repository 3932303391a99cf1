import { leftAnswer, manifestChanged, manifestView, problem } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { ChangeRefused } from '../../src/budget/changes.ts'
import { ConfigError } from '../../src/config/errors.ts'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'

const post = (url: string, payload: object = {}, headers: Record<string, string> = withToken) =>
  ({ method: 'POST', url, payload, headers }) as const

describe('the manifest', () => {
  it('is told with who confirmed it and what the limits stand at', async () => {
    const { agents } = doorsUnderTest()
    const view = answerOf(await agents.inject({ url: '/api/manifest', headers: withToken }), 200, manifestView)
    expect(view).toMatchObject({ version: 3, owner_key: 'here', contested: false })
    expect(view.nodes.map(({ node_id, confirmed, online }) => [node_id, confirmed, online])).toEqual([
      ['walnut', 3, true],
      ['ironwood', 2, false],
    ])
    expect(view.limits).toEqual([
      {
        ...{ period: 'd:2026-11-22', dim: 'day', running: true, limit_usd: 40, given_usd: 53, spent_usd: 10 },
        ...{ left_usd: 23, may_exceed_by_usd: 13, waiting_for: ['ironwood'] },
      },
    ])
  })

  it.each([
    [
      '/api/manifest/limits',
      { dim: 'day', direction: 'lower', amount_usd: 40 },
      { limit: { dim: 'day', direction: 'lower', amount: 40_000_000_000n } },
    ],
    ['/api/manifest/adopt', { node: 'walnut' }, { adopt: 'walnut', reissue: null }],
    ['/api/manifest/adopt', { node: 'walnut', reissue_usd: 0.5 }, { adopt: 'walnut', reissue: 500_000_000n }],
    ['/api/manifest/remove', { node: 'ironwood' }, { remove: 'ironwood', destroyed: false }],
    ['/api/manifest/restore', { gone: ['walnut'] }, { restore: ['walnut'] }],
    ['/api/manifest/heal', {}, 'heal'],
  ])('is changed by POST %s %j', async (url, body, asked) => {
    const { agents, world } = doorsUnderTest()
    const changed = answerOf(await agents.inject(post(url, body)), 200, manifestChanged)
    expect(changed).toMatchObject({ status: 'signed', version: 3 })
    expect(world.manifest.asked).toEqual([asked])
  })

  it.each([
    ['/api/manifest/limits', { dim: 'day', direction: 'lower', amount_usd: 40 }],
    ['/api/manifest/adopt', { node: 'walnut' }],
    ['/api/manifest/remove', { node: 'ironwood' }],
  ])('is not changed by a dry run, which says whether it could be: POST %s %j', async (url, body) => {
    const { agents, world } = doorsUnderTest()
    const changed = answerOf(await agents.inject(post(url, { ...body, dry_run: true })), 200, manifestChanged)
    expect(changed.status).toBe('possible')
    expect(world.manifest.asked).toEqual([])
  })

  it.each([
    [new ConfigError('OWNER_KEY_MISSING', 'this node does not hold the owner key'), 409, 'OWNER_KEY_MISSING'],
    [new ChangeRefused('CHANGE_REFUSED', 'd:2026-11-22 could cost $9.00'), 409, 'CHANGE_REFUSED'],
    [new ChangeRefused('NODE_UNKNOWN', 'no member of the mesh is called oak'), 404, 'NODE_UNKNOWN'],
  ])('is not changed, with the words of whoever keeps it: %s', async (refusal, status, code) => {
    const { agents, world } = doorsUnderTest()
    world.manifest.refusal = refusal
    const refused = answerOf(await agents.inject(post('/api/manifest/remove', { node: 'oak' })), status, problem)
    expect(refused).toMatchObject({ code, detail: expect.stringContaining(refusal.message) })
  })

  it.each([
    ['/api/manifest/limits', { dim: 'week', direction: 'lower', amount_usd: 1 }],
    ['/api/manifest/limits', { dim: 'day', direction: 'lower', amount_usd: 0 }],
    ['/api/manifest/limits', { dim: 'day', amount_usd: 1 }],
    ['/api/manifest/adopt', {}],
  ])('is not changed by what is no order: %s %j', async (url, body) => {
    const { agents, world } = doorsUnderTest()
    answerOf(await agents.inject(post(url, body)), 400, problem)
    expect(world.manifest.asked).toEqual([])
  })

  it('is changed, and left, only with the token', async () => {
    const { agents } = doorsUnderTest()
    for (const url of ['/api/manifest/heal', '/api/leave'])
      expect((await agents.inject(post(url, {}, {}))).statusCode).toBe(401)
    expect((await agents.inject({ url: '/api/manifest' })).statusCode).toBe(401)
  })
})

it('leaving tells who was given what', async () => {
  const { agents } = doorsUnderTest()
  const left = answerOf(await agents.inject(post('/api/leave')), 200, leftAnswer)
  expect(left).toEqual({
    status: 'removed',
    given: [{ node_id: 'ironwood', period: 'd:2026-11-22', amount_usd: 2 }],
  })
})
