import { defineConfig } from 'vitest/config';

/** Only says when to give up: a machine that is busy must not fail a test. */
const poll = { timeout: 20_000, interval: 10 };
const unitExcludes = ['test/**', 'node_modules/**', '.tools/**', '.build/**'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: unitExcludes,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll },
        },
      },
      { test: { name: 'hostile', include: ['test/hostile/**/*.test.ts'], testTimeout: 300_000, expect: { poll } } },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          expect: { poll },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          expect: { poll },
        },
      },
    ],
  },
});
