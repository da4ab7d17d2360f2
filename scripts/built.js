// Whether dist/ is made of the sources as they are now. One hash over their names and contents: a file that changed, came
// or went makes another one, whatever its time says. Reading all of them takes less time than starting tsc.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** Holds the hash of what dist/ was built from; written last of all. */
export const STAMP = 'dist/.built-from';
/** Without these, dist/ has been taken apart since. */
export const OUTPUTS = [
  'dist/main.js',
  'dist/broker.js',
  'dist/daemon/run.js',
  'dist/cli/program.js',
  'dist/console/index.html',
];
/** What lies here and nothing is built from. */
const ASIDE = new Set([
  ...['dist', 'node_modules', 'coverage', 'test'],
  ...['biome.json', 'tsconfig.test.json', 'vitest.config.ts'],
  // Written by what is built.
  'docs/wire.schema.json',
]);
const SOURCE = /\.(ts|tsx|js|json|css|html|svg)$/;

/** @param {string} root the checkout. @returns {string} what its sources are, as one hash. */
export function hashSources(root = ROOT) {
  const hash = createHash('sha256');
  for (const path of sourcesBelow(root, '')) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** @param {string} root the checkout, or an installed package. @returns {boolean} whether there is anything to build from. */
export function hasSources(root = ROOT) {
  return existsSync(join(root, 'broker.ts'));
}

/** @param {string} root the checkout. @returns {boolean} whether a build came to its end, and nobody took it apart since. */
export function isWhole(root = ROOT) {
  return [STAMP, ...OUTPUTS].every((path) => existsSync(join(root, path)));
}

/**
 * @param {string} root the checkout, or an installed package.
 * @returns {boolean} whether dist/ is built, and from these sources; where there are none, whether it is all there.
 */
export function isBuilt(root = ROOT) {
  if (!hasSources(root)) return OUTPUTS.every((path) => existsSync(join(root, path)));
  return isWhole(root) && readFileSync(join(root, STAMP), 'utf8').trim() === hashSources(root);
}

/** @param {string} hash of the sources as they were before the build. @param {string} root the checkout. */
export function stamp(hash, root = ROOT) {
  writeFileSync(join(root, STAMP), `${hash}\n`);
}

function* sourcesBelow(root, folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  // In one order on every file system.
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.name.startsWith('.') || ASIDE.has(path)) continue;
    if (entry.isDirectory()) yield* sourcesBelow(root, path);
    else if (SOURCE.test(entry.name)) yield path;
  }
}
