// Makes dist/: every module by tsc, for who imports the broker or the SDK; the SDK as a package of its own; the console's
// pages; and the programs, bundled.
// With --if-needed only where dist/ is not built from the sources as they are, and without a look at the types, which
// `npm test` checks by itself; one that this user cannot build anew is then left as it is, and said.
import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hashSources, hasSources, isBuilt, isWhole, STAMP, stamp } from './built.js';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const TOOLS = join(ROOT, 'node_modules/.bin');
/** What others write, under names of their own. */
const NOT_BY_TSC = new Set(['chunks', 'client-package', 'console']);

const isOptional = process.argv.includes('--if-needed');
if (!isOptional || !isBuilt()) await build();

async function build() {
  const hindrance = whyNot();
  if (hindrance !== undefined && isOptional && isWhole()) {
    return console.error(`build: dist/ is used as it is, though the sources have changed since: ${hindrance}`);
  }
  if (hindrance !== undefined) fail(`build: dist/ cannot be built: ${hindrance}`);
  // Of the sources as they are now: what changes meanwhile is built the next time.
  const hash = hashSources();
  // What tsc has written once it takes for still there.
  if (!isWhole()) rmSync(join(DIST, '.tsbuildinfo'), { force: true });
  rmSync(join(ROOT, STAMP), { force: true });
  await Promise.all([
    run('vite', 'build', '-c', 'console/vite.config.ts'),
    run('tsc', '-p', 'tsconfig.json', ...(isOptional ? ['--noCheck'] : [])).then(async () => {
      removeLeftovers('');
      // Where nothing is built it need not be there.
      const { makeClientPackage } = await import('./client-package.js');
      makeClientPackage(ROOT);
      // After tsc, for it takes the place of some of its files.
      return run('rolldown', '-c', 'scripts/bundle.config.ts');
    }),
  ]);
  chmodSync(join(DIST, 'cli/main.js'), 0o755);
  stamp(hash);
}

/** Why nothing can be built here by whoever runs this. */
function whyNot() {
  if (!hasSources()) return 'there are no sources here, as in an installed package';
  if (!existsSync(join(TOOLS, 'tsc'))) return 'it needs the devDependencies, which are not installed: run `npm ci`';
  const folder = existsSync(DIST) ? DIST : ROOT;
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return `this user may not write to ${folder}: run \`npm run build\` as its owner`;
  }
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
