import type { CallId, ChangeSet } from '@bzzz/protocols'
import type { ModelRequest } from '../../src/model/model.ts'
import { OFFLINE_MODEL } from '../../src/offline/provider.ts'
import type { ReviewTask } from '../../src/review/task.ts'

export function requestOf(task: ReviewTask): ModelRequest {
  return {
    callId: '0'.repeat(64) as CallId,
    model: OFFLINE_MODEL,
    system: 'You review.',
    prompt: 'The change.',
    schema: { name: 'reply', json: {} },
    maxOutputTokens: 8_000,
    task,
  }
}

export function findingsRequest(role: string, change: ChangeSet): ModelRequest {
  return requestOf({ phase: 'findings', role, change, files: change.files.map((file) => file.path) })
}
