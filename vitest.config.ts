import { defineConfig } from 'vitest/config';

// The build of XState that users run: its development build differs, and vitest would choose that.
process.env.NODE_ENV = 'production';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // On two cores the default is one worker, and most of the time goes by waiting for processes.
    maxWorkers: 2,
  },
});
