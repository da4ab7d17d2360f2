// Makes dist/: every module by tsc, for who imports the broker or the SDK; the console's pages; and the programs, bundled.
// With --if-needed only where dist/ is not built from the sources as they are.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hashSources, isBuilt, isWhole, STAMP, stamp } from './built.js';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const TOOLS = join(ROOT, 'node_modules/.bin');
/** What the bundler and Vite write, under names of their own. */
const NOT_BY_TSC = new Set(['chunks', 'console']);

if (!process.argv.includes('--if-needed') || !isBuilt()) await build();

async function build() {
  if (!existsSync(join(TOOLS, 'tsc')))
    fail('the build needs the devDependencies, which are not installed: run `npm ci`');
  // Of the sources as they are now: what changes meanwhile is built the next time.
  const hash = hashSources();
  // What tsc has written once it takes for still there.
  if (!isWhole()) rmSync(join(DIST, '.tsbuildinfo'), { force: true });
  rmSync(join(ROOT, STAMP), { force: true });
  await Promise.all([
    run('vite', 'build', '-c', 'console/vite.config.ts'),
    run('tsc', '-p', 'tsconfig.json').then(() => {
      removeLeftovers('');
      // After tsc, for it takes the place of some of its files.
      return run('rolldown', '-c', 'scripts/bundle.config.ts');
    }),
  ]);
  chmodSync(join(DIST, 'cli/main.js'), 0o755);
  stamp(hash);
}

/** What was made of a source that is gone, and chunks of the last build: nobody shall find them. */
function removeLeftovers(folder) {
  for (const entry of readdirSync(join(DIST, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name === 'chunks') rmSync(join(DIST, path), { recursive: true });
      else if (!NOT_BY_TSC.has(path)) removeLeftovers(path);
      continue;
    }
    const [, module] = /^(.*?)(?:\.d\.ts|\.js|\.js\.map)$/.exec(path) ?? [];
    if (module !== undefined && !existsSync(join(ROOT, `${module}.ts`))) rmSync(join(DIST, path));
  }
}

async function run(tool, ...words) {
  try {
    const { stderr } = await promisify(execFile)(join(TOOLS, tool), words, { cwd: ROOT });
    // Warnings. What else a tool that succeeded has to say is left out.
    process.stderr.write(stderr);
  } catch (error) {
    fail(`${error.stdout ?? ''}${error.stderr ?? error.message}\nbuild: ${tool} failed`);
  }
}

function fail(words) {
  console.error(words);
  process.exit(1);
}
