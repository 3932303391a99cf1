export { ChangeError } from './change/change-error.ts'
export { decodeChangeSet, encodeChangeSet } from './change/encoding.ts'
export { verifyFinding } from './change/evidence.ts'
export { readPatch } from './change/patch.ts'
export { readRange } from './change/range.ts'
export {
  type CompleteOptions,
  type Completion,
  ModelError,
  type ModelErrorCode,
  type ModelProvider,
  type ModelQuestion,
  type ModelRequest,
} from './model/model.ts'
export { createOfflineProvider, OFFLINE_MODEL } from './offline/provider.ts'
export { openOpenAiProvider } from './openai/open.ts'
export type { OpenAiOptions } from './openai/provider.ts'
export { type Ballot, ballotsOf, type OpenProposal, proposalsOf } from './review/ballots.ts'
export type { Decision } from './review/decision.ts'
export { type DueTurn, dueTurns } from './review/due.ts'
export { type Duty, dueDuties } from './review/duties.ts'
export { type FoundAgent, lookup } from './review/lookup.ts'
export { planReview, type ReviewPlan, type ReviewRequest } from './review/open.ts'
export { type PausedTurn, pausedTurns } from './review/paused.ts'
export { readingBytes } from './review/prompt.ts'
export type { Seat } from './review/record.ts'
export { type ReviewReport, reviewReport } from './review/report.ts'
export { type Review, readReview, type Stage } from './review/review.ts'
export type { ReviewTask, SeatFindings } from './review/task.ts'
export { BUILT_IN_ROLES } from './roles/built-in.ts'
export { lineOfSyntaxError } from './roles/json-lines.ts'
export { loadRoles, RoleError, roleCatalogue } from './roles/load.ts'
export { promptHashOf, type Role, systemPromptOf } from './roles/role.ts'
export type { Agents, AgentsOptions, RecoveredTurn } from './turns/agents.ts'
export type { AgentDefinition, AgentFact, BudgetPort, FinishedPort, ThreadsPort, TurnLimits } from './turns/ports.ts'
export { openAgents } from './turns/runner.ts'
