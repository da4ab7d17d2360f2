import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';
import { FULL, QUICK, type Sizes } from './sizes.ts';

/** What the benchmark was asked to do. */
export interface Options {
  isHelp: boolean;
  isQuick: boolean;
  sizes: Sizes;
  scenarios: readonly Scenario[];
  /** Where to write every number. */
  json: string | undefined;
}

/**
 * Reads the command line.
 * @throws {Error} naming what is wrong with it.
 */
export function readOptions(argv: readonly string[], scenarios: readonly Scenario[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      turns: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const sizes = values.quick ? { ...QUICK } : { ...FULL };
  if (values.rounds !== undefined) sizes.rounds = readCount('--rounds', values.rounds, 1);
  if (values.turns !== undefined) sizes.soakTurns = readCount('--turns', values.turns, sizes.soakBase);
  const names = values.only.flatMap((list) => list.split(',')).filter((name) => name !== '');
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only takes ${scenarios.map(({ name }) => name).join(', ')}, not ${unknown}`);
  }
  return {
    isHelp: values.help,
    isQuick: values.quick,
    sizes,
    scenarios: names.length === 0 ? scenarios : scenarios.filter(({ name }) => names.includes(name)),
    json: values.json,
  };
}

/** The text of `--help`. */
export function helpText(scenarios: readonly Scenario[]): string {
  return `Measures the built daemon against the plain ws relay that people would write instead.

Usage: npm run bench -- [flags]

  --only NAME[,NAME]  these measurements alone:
${scenarios.map(({ name, does }) => `      ${name.padEnd(14)}${does}`).join('\n')}
  --quick             a small version, for trying: about 20 seconds on an idle machine
  --rounds N          how often each target is measured (${FULL.rounds})
  --turns N           turns of the soak (${FULL.soakTurns}), at least ${FULL.soakBase}, or ${QUICK.soakBase} with --quick
  --json FILE         writes every number there
  --help              this text`;
}

function readCount(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${flag} takes an integer from ${least}, not ${text}`);
  return value;
}
