import { test } from 'vitest'
import { checkSchedules } from './archive-schedules.ts'

// A few seconds, most of it synced writes; a disk that others use too takes many times as long.
const TIMEOUT_MS = 180_000

test(
  'whatever is appended, received, archived, compressed and restarted in whatever order (15 schedules), a thread shows and sends the same',
  () => checkSchedules(15),
  TIMEOUT_MS,
)
