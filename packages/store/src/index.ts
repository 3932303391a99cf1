export { openState, type StateOptions } from './open.ts'
export {
  guardState,
  type LevelLike,
  type Operation,
  type Range,
  type Room,
  type RoomOperation,
  type StateDatabase,
  StateError,
  type StateErrorCode,
} from './state.ts'
export { syncDirectory } from './sync-directory.ts'
