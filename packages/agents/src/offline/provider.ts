import { ModelError, type ModelProvider, type ModelRequest } from '../model/model.ts'
import type { FindingsReply } from '../review/replies.ts'
import { type ReviewTask, recheckedFindings } from '../review/task.ts'
import { discuss, propose, vote } from './deliberation.ts'
import { findFaults } from './findings.ts'
import { type LintingOptions, runLinters } from './linting.ts'

export type { OfflineFact } from './linting.ts'

/** The only model of this provider. */
export const OFFLINE_MODEL = 'offline-rules'

// Rules have no window; twice the largest change set, so that no change is ever split for them.
const WINDOW_TOKENS = 16 * 1024 * 1024

export type OfflineOptions = Pick<LintingOptions, 'temporaryDirectory' | 'observe'>

/**
 * Answers from rules, without any language model: linters over the added lines, and a table of what each role holds as
 * blocking. The same request always gets the same reply. Tokens are counted as one for four bytes, rounded up.
 */
export function createOfflineProvider(options: OfflineOptions): ModelProvider {
  return {
    name: 'offline',
    simulated: true,
    window: () => WINDOW_TOKENS,
    bound: promptTokens,
    async complete(request, { signal }) {
      if (request.model !== OFFLINE_MODEL) throw unknownModel(request.model)
      if (signal.aborted) throw new ModelError('ABORTED', 'stopped', { billed: 'no', cause: signal.reason })
      const reply = JSON.stringify(await answer(request, { ...options, signal }))
      // Rules are not cut off where a model would be; the count is, so that it stays within what was reserved.
      const output = Math.min(tokens(reply), request.maxOutputTokens)
      const usage = { input: promptTokens(request), cachedInput: 0, cacheWrite: 0, output, reasoning: 0, cost: null }
      return { reply, usage, providerRequestId: null }
    },
  }
}

function unknownModel(model: string): ModelError {
  return new ModelError('NOT_FOUND', `the offline provider has no model "${model}", only "${OFFLINE_MODEL}"`, {
    billed: 'no',
  })
}

async function answer({ task, maxOutputTokens }: ModelRequest, options: LintingOptions): Promise<object> {
  switch (task.phase) {
    case 'findings':
      return fitted(await findFaults(task, (job) => runLinters(job, options)), maxOutputTokens)
    case 'discussion':
      return discuss(rechecked(task))
    case 'proposal':
      return propose(rechecked(task))
    case 'vote':
      return vote(rechecked(task))
  }
}

function rechecked<T extends Exclude<ReviewTask, { phase: 'findings' }>>(task: T): T {
  return { ...task, findings: recheckedFindings(task.change, task.findings) }
}

// Room for the sentence that says how many findings were left out.
const REMARK_TOKENS = 20

/** Leaves out the least grave findings that the reply has no room for, and says how many. */
function fitted(reply: FindingsReply, maxTokens: number): FindingsReply {
  let room = maxTokens - tokens(JSON.stringify({ ...reply, findings: [] })) - REMARK_TOKENS
  const tooMany = reply.findings.findIndex((finding) => {
    // One more for the comma.
    room -= tokens(JSON.stringify(finding)) + 1
    return room < 0
  })
  if (tooMany === -1) return reply
  const left = reply.findings.length - tooMany
  const summary = `${reply.summary} Left out for want of room: the ${left} least grave.`
  return { summary, findings: reply.findings.slice(0, tooMany) }
}

function promptTokens({ system, prompt }: ModelRequest): number {
  return tokens(system) + tokens(prompt)
}

function tokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}
