import { defineConfig } from 'vitest/config'

const conditions = ['bzzz-src', 'node', 'module', 'default']

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
    execArgv: ['--conditions=bzzz-src'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
