export type { Blobs } from './blobs.ts'
export type { HiddenReason } from './entry-text.ts'
export { ThreadsError, type ThreadsErrorCode } from './errors.ts'
export type { RefusalCode, ThreadFact } from './facts.ts'
export type { Appended, Part, Received, ThreadEvent, Threads } from './port.ts'
export {
  type EditRefusal,
  type Offer,
  type RefusedEdit,
  Replica,
  refusedEdit,
  type Speaker,
  SyncFault,
} from './replica.ts'
export type { Joined, SnapshotOffer, Snapshots, ThreadPreview } from './snapshots/port.ts'
export type { ThreadSummary } from './summary.ts'
export { openThreads, type ThreadsOptions } from './threads.ts'
export { type VerifiedThreads, verifyThreads } from './verify.ts'
export type { ThreadView, ViewedEntry } from './view.ts'
