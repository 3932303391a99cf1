import type OpenAI from 'openai'
import type { ModelQuestion } from '../model/model.ts'
import type { Dialect } from './dialect.ts'

type Body = OpenAI.ChatCompletionCreateParamsStreaming

export function bodyFor(question: ModelQuestion, dialect: Dialect): Body {
  const { model, system, prompt, schema, maxOutputTokens, temperature } = question
  const described = dialect.format === 'json_schema' ? prompt : `${prompt}\n\n${schemaInWords(schema.json)}`
  return {
    model,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: described },
    ],
    stream: true,
    [dialect.limit]: maxOutputTokens,
    ...(dialect.streamUsage ? { stream_options: { include_usage: true } } : {}),
    ...(dialect.serviceTier ? { service_tier: 'default' as const } : {}),
    ...(dialect.temperature && temperature !== undefined ? { temperature } : {}),
    ...formatOf(schema, dialect),
  }
}

function formatOf(schema: ModelQuestion['schema'], { format }: Dialect): Pick<Body, 'response_format'> {
  switch (format) {
    case 'json_schema': {
      const json_schema = { name: schema.name, strict: true, schema: { ...schema.json } }
      return { response_format: { type: 'json_schema', json_schema } }
    }
    case 'json_object':
      return { response_format: { type: 'json_object' } }
    case 'none':
      return {}
  }
}

function schemaInWords(schema: object): string {
  return `Answer with one JSON object that fits this JSON Schema, and nothing else:\n${JSON.stringify(schema)}`
}

const MESSAGES = 2
const TOKENS_PER_MESSAGE = 16
const TOKENS_PER_REQUEST = 64

/**
 * A byte-level tokenizer makes at most one token of a byte, and what a server adds around messages is small: so the bytes of
 * the whole request, in its largest form, bound the prompt tokens from above.
 */
export function boundOf(question: ModelQuestion, dialect: Dialect): number {
  const formats = ['json_schema', 'json_object', 'none'] as const
  const bytes = formats.map((format) => Buffer.byteLength(JSON.stringify(bodyFor(question, { ...dialect, format }))))
  return Math.max(...bytes) + MESSAGES * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST
}
