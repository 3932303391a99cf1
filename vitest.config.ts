import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './vitest.order.ts'

const conditions = ['bzzz-src', 'node', 'module', 'default']

// Each test file and most nodes they start are processes of their own: all of them read what the first one has compiled.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node/.cache/compile', import.meta.url))

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'protocols/test/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'node/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    execArgv: ['--conditions=bzzz-src'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
