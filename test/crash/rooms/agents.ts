import * as room from '@bzzz/agents'
import { pass, tellingTest } from '../pass.ts'

export * from '@bzzz/agents'

export function createOpenAiProvider(options: room.OpenAiOptions): room.ModelProvider {
  const provider = room.createOpenAiProvider(options)
  return {
    ...provider,
    complete(request, { signal, onToken }) {
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
