/** What a server understands of a request. Compatible servers differ, and say so only by refusing. */
export interface Dialect {
  readonly format: 'json_schema' | 'json_object' | 'none'
  readonly limit: 'max_completion_tokens' | 'max_tokens'
  /** The other name of the limit was refused already. */
  readonly limitSettled: boolean
  readonly temperature: boolean
  /** Whether usage may be asked for in a stream; without it every call costs its whole hold. */
  readonly streamUsage: boolean
  /** Whether the standard service is asked for by name: a project's own default may be one that costs twice the list price. */
  readonly serviceTier: boolean
}

export const OPENAI_URL = 'https://api.openai.com/v1'

// Reasoning models of OpenAI take no temperature.
const REASONING_MODEL = /^(o\d|gpt-5)/

/** OpenAI itself wants the new name of the limit; older compatible servers would pass over it and answer without a limit. */
export function firstDialect(model: string, baseUrl: string): Dialect {
  const isOpenAi = baseUrl === OPENAI_URL
  return {
    format: 'json_schema',
    limit: isOpenAi ? 'max_completion_tokens' : 'max_tokens',
    limitSettled: false,
    temperature: !REASONING_MODEL.test(model),
    streamUsage: true,
    serviceTier: isOpenAi,
  }
}

/**
 * What to try after a request was refused for its form.
 * @param refusal the parameter that the server names, and its message
 * @returns undefined when the refusal is about something else
 */
export function simplerDialect(dialect: Dialect, refusal: string): Dialect | undefined {
  if (/temperature/i.test(refusal) && dialect.temperature) return { ...dialect, temperature: false }
  if (/stream_options/i.test(refusal) && dialect.streamUsage) return { ...dialect, streamUsage: false }
  if (/service_tier/i.test(refusal) && dialect.serviceTier) return { ...dialect, serviceTier: false }
  if (/max_(completion_)?tokens/i.test(refusal) && !dialect.limitSettled) {
    const limit = dialect.limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
    return { ...dialect, limit, limitSettled: true }
  }
  if (/response_format|json_schema|json_object|structured|schema|grammar/i.test(refusal)) return looserFormat(dialect)
  return undefined
}

function looserFormat(dialect: Dialect): Dialect | undefined {
  switch (dialect.format) {
    case 'json_schema':
      return { ...dialect, format: 'json_object' }
    case 'json_object':
      return { ...dialect, format: 'none' }
    case 'none':
      return undefined
  }
}
