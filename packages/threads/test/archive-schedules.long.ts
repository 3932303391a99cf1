import { test } from 'vitest'
import { checkSchedules } from './archive-schedules.ts'

test('the same over 300 schedules', () => checkSchedules(300))
