import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

// The build of XState that users run: its development build differs, and vitest would choose that.
process.env.NODE_ENV = 'production';

/** Files that start what is built. */
const BUILT = ['test/{browser,cli,daemon,e2e,proof,soak}/**/*.test.ts'];
/**
 * Files that need modules which nobody has loaded, and those that collect garbage, which takes seconds in a process that has
 * run hundreds of other files: each in a process of its own.
 */
const ALONE = ['test/**/*.alone.test.ts'];
/** Files that judge how long the daemon takes, or what its collector does: one by one, when nothing else wants its core. */
const MEASURED = ['test/proof/neighbours*.test.ts', 'test/daemon/collector.test.ts'];
/** Files that `npm run proof` has, and `npm test` has not: what they look at others look at, too, if not so long. */
const LONG =
  process.env.PROOF === 'whole'
    ? []
    : [
        'test/browser/{examples,keys-many,restart,surfaces-parts}.test.ts',
        'test/e2e/slow-flood.test.ts',
        'test/proof/neighbours-storms.test.ts',
        'test/soak/soak-long.test.ts',
      ];

export default defineConfig({
  test: {
    // A test that waits for what never comes ends by this. Several files share a core, which may be a slow one.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
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
          exclude: [...ALONE, ...MEASURED, ...LONG],
          isolate: false,
          globalSetup: 'scripts/require-build.js',
        },
      },
      {
        extends: true,
        test: {
          name: 'measured',
          include: MEASURED,
          exclude: LONG,
          isolate: false,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
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
