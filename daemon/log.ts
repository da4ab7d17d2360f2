import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';

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
}

/** A log that cannot be written (a full disk, a reader that left) loses its lines, and ends nothing. */
function standardOutput(): LogDestination {
  const destination = pino.destination({ fd: 1, sync: true });
  destination.on('error', () => {});
  return destination;
}

/**
 * The daemon's log: JSON lines, or coloured text for a person at a terminal. Written synchronously, without a worker:
 * the last line before an exit is the one that matters.
 */
export async function createLogger(
  level: LogLevel,
  pretty: boolean = isatty(1),
  destination: LogDestination = standardOutput(),
): Promise<Logger> {
  const options = { level, redact: { paths: REDACTED, censor: '[redacted]' } };
  if (!pretty) return pino(options, destination);
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize: true,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return pino(options, { write: (line: string) => destination.write(format(line)) });
}
