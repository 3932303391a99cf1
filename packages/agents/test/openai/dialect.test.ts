import { expect, it } from 'vitest'
import { bodyFor } from '../../src/openai/body.ts'
import { firstDialect, OPENAI_URL, simplerDialect } from '../../src/openai/dialect.ts'
import { changeOf } from '../fakes/model.ts'

const question = {
  ...{ model: 'gpt-5.1', system: 's', prompt: 'p', schema: { name: 'n', json: {} }, maxOutputTokens: 9 },
  task: { phase: 'findings', role: 'reviewer', change: changeOf(), files: [] } as const,
}

it('asks OpenAI for the service that the price table is about', () => {
  const dialect = firstDialect('gpt-5.1', OPENAI_URL)
  expect(bodyFor(question, dialect)).toMatchObject({ service_tier: 'default', max_completion_tokens: 9 })
  const simpler = simplerDialect(dialect, 'Unknown parameter: service_tier')
  expect(simpler && bodyFor(question, simpler)).not.toHaveProperty('service_tier')
})

it('does not ask others for what they may not know', () => {
  const body = bodyFor(question, firstDialect('gpt-5.1', 'http://127.0.0.1:11434/v1'))
  expect(body).not.toHaveProperty('service_tier')
  expect(body).toMatchObject({ max_tokens: 9 })
})
