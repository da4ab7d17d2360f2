import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import { isObject } from '../protocol/json.ts';
import { visible, visibleLine } from '../protocol/visible.ts';
import { LogOutput } from './log-output.ts';

/** Severities, the most talkative first. `silent` logs nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** See {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names whose values open doors; never logged, whoever passes them, down to two objects deep. */
const SECRETS = [
  'token',
  'host_token',
  'hostToken',
  'agent_token',
  'resume_token',
  'token_hash',
  'tokens',
  'authorization',
  'cookie',
  'password',
  'secret',
];
const REDACTED = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Where lines go, one call a line. */
export interface LogDestination {
  write(line: string): unknown;
  /** Before the process ends. */
  flushSync?(): void;
}

/** The daemon's log, and how much of it is lost. */
export type DaemonLog = Logger & {
  /** Lines that nobody read, or that had no room, since the start. */
  readonly lostLines: number;
};

/**
 * The daemon's log on its standard output: JSON lines, or coloured text for a person at a terminal. The last line before
 * an exit is the one that matters: it is out when the call returns, or within half a second before the process is gone.
 *
 * @param every - what each line says, too.
 */
export async function openLog(level: LogLevel, every: Readonly<Record<string, string>> = {}): Promise<DaemonLog> {
  const output = new LogOutput(1, (lost) => log.warn({ lost }, 'lines of the log are lost: nobody read them in time'));
  const log: Logger = (await createLogger(level, isatty(1), output, !process.env.NO_COLOR)).child(every);
  process.once('exit', () => output.flushSync());
  return Object.defineProperty(log, 'lostLines', { get: () => output.lost }) as DaemonLog;
}

/**
 * A log whose lines go to `destination`, as JSON or, `pretty`, as text for a person.
 *
 * @param colorize - whether that text has colours: not where `NO_COLOR` is set.
 */
export async function createLogger(
  level: LogLevel,
  pretty: boolean,
  destination: LogDestination,
  colorize = true,
): Promise<Logger> {
  const options = { level, redact: { paths: REDACTED, censor: '[redacted]' } };
  if (!pretty) return pino(options, destination as DestinationStream);
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return pino(options, { write: (line: string) => destination.write(shown(format(withPlainWords(line)))) });
}

/** What pino-pretty writes as it is; everything else it writes as JSON. */
const PLAIN = ['msg', 'name', 'caller', 'type', 'message'];

/** A line's own words, and those of its error, without what could be taken for a colour. */
function withPlainWords(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return visible(line);
  }
  if (!isObject(entry)) return visible(line);
  for (const part of [entry, entry.err, entry.error]) {
    if (!isObject(part)) continue;
    for (const name of PLAIN) if (typeof part[name] === 'string') part[name] = visibleLine(part[name]);
    if (typeof part.stack === 'string') part.stack = visible(part.stack);
  }
  return JSON.stringify(entry);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const COLOUR = /(\x1b\[\d+m)/;

/** What a terminal is given: pino-pretty's colours, and nothing else that cannot be seen. */
function shown(text: string): string {
  const pieces = text.split(COLOUR);
  return pieces.map((piece, at) => (at % 2 === 1 ? piece : visible(piece))).join('');
}
