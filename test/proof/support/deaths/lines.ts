import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What one process did, as it wrote it down in its own file (`write-lines.js` writes them). Of what it asks for `invoke` stands before it and
 * `ok` or `fail` after; `info` is what it just saw.
 */
export interface Line {
  /** Monotonic, the same clock for all processes of this machine. Milliseconds. */
  t: number;
  /** Who, and which life: `host a/2` has been killed once before. */
  who: string;
  type: 'invoke' | 'ok' | 'fail' | 'info';
  op: Op;
  /** A prompt belongs to one chat alone. */
  prompt?: string;
  /** Who was asked. */
  agent?: string;
  turn?: string;
  text?: string;
  /** Of an event: its `seq`, and where it stands for several that of the first. */
  seq?: number;
  from?: number;
  kind?: string;
  code?: string;
  /** It stands for what the broker no longer has as it was said. */
  isRecovered?: boolean;
  approval?: string;
  resolution?: string;
  action?: string;
  isRetryable?: boolean;
  /** A session whose id its host chose, as its agent knows it. */
  session?: string;
  /** How much of its text an agent may forget. Characters. */
  length?: number;
  /** Whose numbers those of `told` are. */
  epoch?: string;
  /** What was done to whom: of `fault`. */
  fault?: string;
  /** How to go on with a chat, from any process. */
  handle?: object;
}

/**
 * An agent's `attached`, `closed`, `turn`, `emit`, `tool`, `approval`, and `released`, what it may forget; a host's `chat`, `event`, `run`
 * (of its tool) and `decide`, `note`, which it tells all, `subscribed` and `told`, what all are told; `copied`, an event that was read in
 * another home; and the schedule's `fault`.
 */
export type Op =
  | ('attached' | 'closed' | 'turn' | 'emit' | 'tool' | 'approval' | 'released')
  | ('chat' | 'event' | 'run' | 'decide' | 'note' | 'subscribed' | 'told' | 'copied')
  | 'fault';

/** Kinds of events after which a turn has none. */
export const ENDS: ReadonlySet<string> = new Set(['done', 'error', 'auth_required']);

/** All that was written down, in order of time. A last line that a kill has cut short is nobody's. */
export function readLines(directory: string): Line[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => linesIn(join(directory, name)))
    .sort((a, b) => a.t - b.t);
}

export const linesIn = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

/** What the processes wrote of the chats that faults name, and all that was done to whom. */
export function aboutFaults(found: readonly string[], lines: readonly Line[]): string {
  const isMeant = ({ op, prompt }: Line) => op === 'fault' || found.some((fault) => fault.startsWith(`${prompt}:`));
  return lines
    .filter(isMeant)
    .map((line) => JSON.stringify({ ...line, handle: undefined, text: line.text?.slice(0, 80) }))
    .join('\n');
}
