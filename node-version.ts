import { readFileSync } from 'node:fs';

/**
 * Ends a program that this version of Node cannot run, by one line that says so. To be called before anything else is
 * loaded: what an old version stumbles over would be a word of its parser.
 */
export function refuseOldNode(): void {
  // Found by its place, for to load it by its name would take ten times as long. A built file lies in `dist/`.
  const manifest = new URL(import.meta.url.endsWith('.ts') ? 'package.json' : '../package.json', import.meta.url);
  const least: string = JSON.parse(readFileSync(manifest, 'utf8')).engines.node;
  const [major = 0, minor = 0] = numbersIn(least);
  const [ownMajor = 0, ownMinor = 0] = numbersIn(process.versions.node);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  process.stderr.write(`switchboard: it needs Node ${major}.${minor} or newer, and this is ${process.versions.node}\n`);
  process.exit(1);
}

function numbersIn(version: string): number[] {
  return (version.match(/\d+/g) || []).map(Number);
}
