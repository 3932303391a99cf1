import { test } from 'vitest'
import { checkSchedules } from './equivocation-schedules.ts'

test(
  'whoever signs two changes with one number, in 100 schedules of loss, reordering, partitions and restarts: all stores show the same, each honest acknowledged entry once',
  () => checkSchedules(100),
  120_000,
)
