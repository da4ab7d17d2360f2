import { readFileSync } from 'node:fs';
import type { Cores } from './pinning.ts';
import { Target } from './target.ts';

/** The names that results are kept under. */
export const BROKER = 'switchboard';
/** The plain relay: (a) in the tables. */
export const PLAIN = 'plain relay (a)';
/** The corked relay: (b) in the tables. */
export const CORKED = 'corked relay (b)';

const DAEMON = ['main.js', '--home', 'HOME', '--port', '0', '--no-socket'];

/** What `npm start` gives to Node, so that what is measured is what people run. */
function nodeFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const [, flags] = /\bexec node ((?:--\S+ )*)dist\/main\.js$/.exec(scripts.start) ?? [];
  if (flags === undefined) throw new Error(`npm start is not understood: ${scripts.start}`);
  return flags.split(' ').filter((flag) => flag !== '');
}

/** The built daemon as it comes, with the flags given besides. */
export function startDaemon(
  cores: Cores | undefined,
  flags: readonly string[] = [],
  name = BROKER,
  env: Readonly<Record<string, string>> = {},
): Promise<Target> {
  return Target.start({ name, command: [...DAEMON, ...flags], nodeFlags: nodeFlags(), env, stamps: true, cores });
}

/** The three that are compared: the daemon, the plain relay, the corked one. */
export function startAll(cores: Cores | undefined): Promise<Target[]> {
  const relay = ['bench/plain-relay.js', 'HOME'];
  return Promise.all([
    startDaemon(cores),
    Target.start({ name: PLAIN, command: relay, stamps: false, cores }),
    Target.start({ name: CORKED, command: [...relay, '--corked'], stamps: false, cores }),
  ]);
}

/** A `ws` server that only holds connections. */
export function startBareWs(cores: Cores | undefined): Promise<Target> {
  return Target.start({ name: 'bare ws', command: ['bench/targets/bare-ws.js', 'HOME'], stamps: false, cores });
}
