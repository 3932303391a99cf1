export {
  guardState,
  type LevelLike,
  type Operation,
  openState,
  type Range,
  type Room,
  type RoomOperation,
  type StateDatabase,
  StateError,
  type StateErrorCode,
} from './state.ts'
