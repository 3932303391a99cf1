import { expect, it } from 'vitest'
import { SIGNING_RULES } from '../../src/manifest/reckoning.ts'
import { broken } from './changes.ts'
import { MACHINE_RULES } from './world.ts'

it.each([101, 102, 103, 104])(
  'whatever the owner changes, no period may cost more than its limit (seed %i)',
  (seed) => {
    expect(broken(SIGNING_RULES, MACHINE_RULES, { numRuns: 10_000, seed })).toBeUndefined()
  },
)
