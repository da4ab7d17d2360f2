import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

/**
 * What a person types, in the folder where this process runs, to get this package's command line: its name where it is on
 * the path, by npx where npm finds it in a folder, else Node with its file.
 */
export function ownCommand(env: Readonly<Record<string, string | undefined>>, folder = process.cwd()): string {
  const root = dirname(createRequire(import.meta.url).resolve('switchboard/package.json'));
  const program = join(root, 'dist/cli/main.js');
  const leadsTo = (path: string) => {
    try {
      return realpathSync(path) === program;
    } catch {
      return false;
    }
  };
  // npm puts such folders in front for what it starts, and for that alone.
  const folders = (env.PATH ?? '').split(delimiter).filter((one) => one !== '' && !one.endsWith('node_modules/.bin'));
  if (folders.some((one) => leadsTo(join(one, 'switchboard')))) return 'switchboard';
  for (let here = folder; ; here = dirname(here)) {
    if (here === root || leadsTo(join(here, 'node_modules/.bin/switchboard'))) return 'npx switchboard';
    if (here === dirname(here)) break;
  }
  return `node ${/^[\w./-]+$/.test(program) ? program : JSON.stringify(program)}`;
}
