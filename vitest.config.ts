import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

// The build of XState that users run: its development build differs, and vitest would choose that.
process.env.NODE_ENV = 'production';

/** Files that start what is built. */
const BUILT = ['test/{browser,cli,daemon,e2e,proof,soak}/**/*.test.ts'];
/** Files that need modules which nobody has loaded: each in a process of its own. */
const ALONE = ['test/**/*.alone.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // On two cores the default is one worker, and much of the time goes by waiting for processes.
    maxWorkers: 3,
    setupFiles: 'test/support/each-file.ts',
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      // Nothing is left in a module by these: loading all of them anew for each file is most of many a file's time.
      {
        extends: true,
        test: {
          name: 'built',
          include: BUILT,
          exclude: ALONE,
          isolate: false,
          globalSetup: 'scripts/require-build.js',
        },
      },
      {
        extends: true,
        test: { name: 'rooms', include: ['test/**/*.test.ts'], exclude: [...ALONE, ...BUILT], isolate: false },
      },
    ],
  },
});
