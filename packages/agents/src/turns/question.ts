import type { ModelProvider, ModelQuestion } from '../model/model.ts'
import { FULL_DETAIL, lesserDetails, promptFor, type Remark } from '../review/prompt.ts'
import { replySchema } from '../review/replies.ts'
import type { ReviewTask } from '../review/task.ts'
import { systemPromptOf } from '../roles/role.ts'
import type { TurnTools } from './ports.ts'

/**
 * A provider's bound counts a token per byte, which money needs and which code never reaches: source text takes 3 to 4
 * bytes per token, dense one (hexadecimal, minified) about 2. A prompt that is too large all the same is refused loudly.
 */
const BYTES_PER_TOKEN = 2

export function fitsWindow(question: ModelQuestion, provider: ModelProvider): boolean {
  const promptTokens = Math.ceil(provider.bound(question) / BYTES_PER_TOKEN)
  return promptTokens + question.maxOutputTokens <= provider.window(question.model)
}

export function questionFor(
  task: ReviewTask,
  tools: TurnTools,
  remarks: readonly Remark[] = [],
  detail = FULL_DETAIL,
): ModelQuestion {
  const { agent, limits } = tools
  return {
    model: agent.model,
    system: systemPromptOf(agent.role),
    prompt: promptFor(task, remarks, detail),
    schema: replySchema(task.phase),
    maxOutputTokens: limits.maxOutputTokens,
    ...(limits.temperature === undefined ? {} : { temperature: limits.temperature }),
    task,
  }
}

/** @returns the fullest question that the model takes; undefined when not even the bare question fits */
export function fittingQuestion(
  task: Exclude<ReviewTask, { phase: 'findings' }>,
  remarks: readonly Remark[],
  tools: TurnTools,
): ModelQuestion | undefined {
  const count = task.findings.reduce((sum, { findings }) => sum + findings.length, 0)
  for (const detail of lesserDetails(count, remarks.length)) {
    const question = questionFor(task, tools, remarks, detail)
    if (fitsWindow(question, tools.provider)) return question
  }
  return undefined
}
