import { parseArgs } from 'node:util';
import type { Trial } from './trial.ts';

/** Which trials are run, and where packages are kept. */
export interface Options {
  isHelp: boolean;
  trials: readonly Trial[];
  /** A folder whose packages are used, and stay; undefined for one that goes at the end. */
  packages: string | undefined;
}

/**
 * Reads the command line.
 * @throws {Error} naming what is wrong with it.
 */
export function readOptions(argv: readonly string[], trials: readonly Trial[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string', multiple: true, default: [] },
      packages: { type: 'string' },
    },
  });
  const names = values.only.flatMap((list) => list.split(',')).filter((name) => name !== '');
  const unknown = names.find((name) => !trials.some((trial) => trial.name === name));
  if (unknown !== undefined)
    throw new Error(`--only takes ${trials.map(({ name }) => name).join(', ')}, not ${unknown}`);
  return {
    isHelp: values.help,
    trials: names.length === 0 ? trials : trials.filter(({ name }) => names.includes(name)),
    packages: values.packages,
  };
}

/** The text of `--help`. */
export function helpText(trials: readonly Trial[]): string {
  return `Tries the built programs with large programs of others, which npm fetches: up to 900 MB each. Models are played.

Usage: npm run trials -- [flags]

  --only NAME[,NAME]  these alone:
${trials.map(({ name, does }) => `      ${name.padEnd(16)}${does}`).join('\n')}
  --packages DIR      install packages here and leave them, so that the next run finds them
  -h, --help          this text

Ends with 0 where all is well, with 1 where something is not, with 2 for a wrong flag.`;
}
