import { parseArgs } from 'node:util';

/** What the soak was asked to do. */
export interface Options {
  isHelp: boolean;
  /** How long is measured, after the warm-up. */
  minutes: number;
  /** Connections that are held all the time: hosts, agents and subscribers together. */
  connections: number;
  /** Turns that are live all the time. */
  turns: number;
  /** Where the choices start from: the same seed makes the same choices, though never at the same moments. */
  seed: number;
  /** How often the daemon is killed and started again, about. Seconds; 0: never. */
  restarts: number;
  /** What the daemon is started with as `--durable`. Undefined: nothing. */
  durable: string | undefined;
}

const DEFAULTS = { minutes: 1, connections: 2_000, turns: 1_000 };
/** Longest run: beyond it a timer's delay has no room. */
const MAX_MINUTES = 7 * 24 * 60;
/** Connections a turn at least: whoever waits for a reconnect, watches or reads slowly has none. */
const CONNECTIONS_PER_TURN = 1.5;

/**
 * Reads the command line.
 * @throws {Error} naming what is wrong with it.
 */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      minutes: { type: 'string' },
      connections: { type: 'string' },
      turns: { type: 'string' },
      seed: { type: 'string' },
      restarts: { type: 'string' },
      durable: { type: 'string' },
    },
  });
  const minutes = values.minutes === undefined ? DEFAULTS.minutes : Number(values.minutes);
  if (!(minutes > 0 && minutes <= MAX_MINUTES)) {
    throw new Error(`--minutes takes a number above 0, ${MAX_MINUTES} at most, not ${values.minutes}`);
  }
  const connections = readCount('--connections', values.connections, 20, DEFAULTS.connections);
  const turns = readCount('--turns', values.turns, 1, Math.floor(connections / 2));
  if (turns * CONNECTIONS_PER_TURN > connections) {
    throw new Error(
      `--turns takes at most ${Math.floor(connections / CONNECTIONS_PER_TURN)} with ${connections} connections`,
    );
  }
  const seed = readCount('--seed', values.seed, 0, Math.floor(Math.random() * 2 ** 32));
  const restarts = readCount('--restarts', values.restarts, 0, 0);
  return { isHelp: values.help, minutes, connections, turns, seed, restarts, durable: values.durable };
}

/** The text of `--help`. */
export function helpText(): string {
  return `Loads the built daemon with all that clients do, for as long as you like, and checks every promise meanwhile.

Usage: npm run soak -- [flags]

  --minutes N       how long is measured, after the warm-up (${DEFAULTS.minutes})
  --connections N   connections held all the time (${DEFAULTS.connections})
  --turns N         turns live all the time (half the connections)
  --seed N          makes the choices of an earlier run again
  --restarts N      kills the daemon about every N seconds, three times at least, and starts it again; all clients are then such
                    as come back (0: never)
  --durable LEVEL   what the daemon is started with, where it keeps its turns
  --help            this text

Ends with 0 where every promise was kept, with 1 where one was broken or memory grew, with 3 where it was too short or the
machine too busy to prove anything, with 130 after Ctrl-C.`;
}

function readCount(flag: string, text: string | undefined, least: number, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new Error(`${flag} takes an integer from ${least}, not ${text ?? otherwise}`);
  }
  return value;
}
