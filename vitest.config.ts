import { defineConfig } from 'vitest/config';

// The build of XState that users run: its development build differs, and vitest would choose that.
process.env.NODE_ENV = 'production';

/** Files that start processes, or that need modules which nobody has loaded: each in a process of its own. */
const ALONE = ['test/{browser,cli,daemon,e2e,proof,soak}/**/*.test.ts', 'test/**/*.alone.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // On two cores the default is one worker, and much of the time goes by waiting for processes.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE, globalSetup: 'scripts/require-build.js' } },
      // Nothing is left in a module by these: loading all of them anew for each file is most of their time.
      { extends: true, test: { name: 'rooms', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
    ],
  },
});
