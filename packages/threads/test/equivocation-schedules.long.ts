import { test } from 'vitest'
import { checkSchedules } from './equivocation-schedules.ts'

test('whoever signs two changes with one number, in 2,000 schedules', () => checkSchedules(2_000))
