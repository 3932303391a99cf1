import * as room from '@bzzz/agents'
import { pass, tellingTest } from '../pass.ts'

export * from '@bzzz/agents'

export async function openOpenAiProvider(options: room.OpenAiOptions): Promise<room.ModelProvider> {
  const provider = await room.openOpenAiProvider(options)
  return {
    ...provider,
    complete(request, { signal, onToken }) {
      pass('request:before')
      let isFirst = true
      return provider.complete(request, {
        signal,
        onToken: (text) => {
          if (isFirst) pass('token:first')
          isFirst = false
          onToken?.(text)
        },
      })
    },
  }
}

export async function openAgents(options: room.AgentsOptions): Promise<room.Agents> {
  const agents = await room.openAgents(options)
  return Object.assign(agents, { close: tellingTest('agents', agents.close.bind(agents)) })
}
