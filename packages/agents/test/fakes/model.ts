import type { ChangedFile, ChangeSet } from '@bzzz/protocols'
import type { CompleteOptions, Completion, ModelProvider, ModelRequest } from '../../src/model/model.ts'
import type { ReviewTask } from '../../src/review/task.ts'

export type Answer = (request: ModelRequest, options: CompleteOptions) => object | string | Promise<object | string>

/** Answers as it is told and keeps what it was asked. A thrown error rejects the call. */
export function scriptedProvider(answer: Answer, { window = 1_000_000 } = {}) {
  const requests: ModelRequest[] = []
  const provider: ModelProvider = {
    name: 'scripted',
    simulated: false,
    window: () => window,
    bound: ({ system, prompt }) => system.length + prompt.length,
    async complete(request, options): Promise<Completion> {
      requests.push(request)
      const reply = await answer(request, options)
      const text = typeof reply === 'string' ? reply : JSON.stringify(reply)
      const usage = { input: 10, cachedInput: 0, cacheWrite: 0, output: 5, reasoning: 0, cost: null }
      return { reply: text, usage, providerRequestId: null }
    },
  }
  return { provider, requests }
}

/** A reviewer who finds nothing and agrees to everything. */
export function agreeable(task: ReviewTask): object {
  switch (task.phase) {
    case 'findings':
      return { summary: 'fine', findings: [] }
    case 'discussion':
      return { content: 'nothing to add' }
    case 'proposal':
      return { outcome: 'approved', blocking: [], content: 'sound' }
    case 'vote':
      return { choice: 'approve', blockers: [], content: 'agreed' }
  }
}

export function claimAt(file: string, line: number, quote: string, severity = 'high') {
  return { severity, file, line, rule: 'logic', quote, message: `wrong: ${quote}`, suggestion: null }
}

export function addedFile(path: string, lines: readonly string[]): ChangedFile {
  return {
    path,
    status: 'added',
    hunks: [{ lines: lines.map((text, i) => ({ kind: 'added', line: i + 1, text })) }],
    text: lines.join('\n'),
  }
}

export function changeOf(...files: ChangedFile[]): ChangeSet {
  return { v: 1, repository: 'shop', base: 'a', head: 'b', title: 'a change', files, lockfiles: [] }
}
