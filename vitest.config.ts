import { defineConfig } from 'vitest/config'

// Two projects: `unit` needs nothing but this checkout; `drivers` starts real services and whole pipelines.
const drivers = ['**/*.driver.test.ts', 'test/e2e/**/*.test.ts']
const exclude = ['**/node_modules/**', '**/data/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...exclude, ...drivers],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'drivers',
          include: drivers,
          exclude,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
