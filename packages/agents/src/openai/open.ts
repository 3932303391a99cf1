import type { ModelProvider } from '../model/model.ts'
import type { OpenAiOptions } from './provider.ts'

/** Loads the client library with the first of them: a node whose agents do without starts sooner and smaller. */
export async function openOpenAiProvider(options: OpenAiOptions): Promise<ModelProvider> {
  const { createOpenAiProvider } = await import('./provider.ts')
  return createOpenAiProvider(options)
}
