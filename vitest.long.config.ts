import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** Long seeded runs: one file at a time, since each starts processes of its own. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['**/test/**/*.long.ts'],
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
  },
})
