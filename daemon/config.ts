import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { UNGATEABLE_METHODS } from '../protocol/approvals.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/bounds.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { DEFAULT_INSPECTOR_URL } from '../transport/console-pages.ts';
import { defaultHome } from './default-home.ts';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import { helpText } from './help.ts';
import { LOG_LEVELS } from './log.ts';
import { isLoopback } from './loopback.ts';
import { SOCKET_PATH_LIMIT } from './socket.ts';
import { type Given, readConfigFile, readFlags, readVariables, type Source, show } from './sources.ts';

/** Timers cannot wait longer: beyond it they fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const listening = 'Listening';
const safety = 'Who may do what';
const bounds = 'Limits';
const daemon = 'Daemon';

function duration(defaultMs: number, does: string, least = 1) {
  const schema = z.int().min(least).max(MAX_DELAY_MS).default(defaultMs);
  const takes = `milliseconds, an integer from ${least} to ${MAX_DELAY_MS}`;
  return schema.register(flagInfo, { kind: 'number', group: bounds, does, takes, value: 'MS' });
}

function count(defaultCount: number, max: number, does: string) {
  const schema = z.int().min(1).max(max).default(defaultCount);
  const takes = `an integer from 1 to ${max}`;
  return schema.register(flagInfo, { kind: 'number', group: bounds, does, takes, value: 'N' });
}

function off(group: string, does: string) {
  return z.boolean().default(false).register(flagInfo, { kind: 'switch', group, does, takes: 'true or false' });
}

/** Every setting of the daemon, by its flag's name without `--` (`wire.md` section 12). */
export const configSchema = z.object({
  host: z
    .string()
    .regex(/^[^\s/[\]]+$/)
    .default('127.0.0.1')
    .register(flagInfo, {
      kind: 'text',
      group: listening,
      does: 'address to listen on',
      takes: 'a host name or an IP address, IPv6 without brackets',
      value: 'HOST',
    }),
  port: z.int().min(0).max(65_535).default(9100).register(flagInfo, {
    kind: 'number',
    group: listening,
    does: 'TCP port; 0 picks a free one',
    takes: 'an integer from 0 to 65535',
    value: 'PORT',
  }),
  socket: z
    .string()
    .min(1)
    .transform((path) => resolve(path))
    .refine((path) => Buffer.byteLength(path) <= SOCKET_PATH_LIMIT && !path.includes('\0'))
    .optional()
    .register(flagInfo, {
      kind: 'text',
      group: listening,
      does: 'Unix socket to listen on too',
      takes: `a path of at most ${SOCKET_PATH_LIMIT} bytes`,
      value: 'PATH',
      shown: '$XDG_RUNTIME_DIR/switchboard/broker.sock, else HOME/run/broker.sock',
    }),
  'no-socket': off(listening, 'listen on TCP alone'),
  'allow-origin': z
    .array(z.string().regex(/^(null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+)$/i))
    .default([])
    .register(flagInfo, {
      kind: 'list',
      group: safety,
      does: 'web page that may connect, repeatable',
      takes: 'origins such as https://app.example, without a path',
      value: 'ORIGIN',
    }),
  'no-auth': off(safety, 'let everybody in without a token, on a loopback host only'),
  'no-approvals': off(safety, 'switch the approval gate off'),
  approve: z
    .array(
      z
        .string()
        .regex(/^\S+$/)
        .refine((method) => !UNGATEABLE_METHODS.includes(method)),
    )
    .default([])
    .register(flagInfo, {
      kind: 'list',
      group: safety,
      does: 'method, or tools.execute:TOOL, that waits for approval too, repeatable',
      takes: `method names, or tools.execute:TOOL, apart from ${UNGATEABLE_METHODS.join(', ')}`,
      value: 'METHOD',
    }),
  'approval-timeout': duration(60_000, 'how long an approval is waited for'),
  'stale-after': duration(DEFAULT_LIMITS.staleAfterMs, 'silence of an agent after which its turn ends'),
  'max-message-bytes': count(DEFAULT_LIMITS.maxMessageBytes, MAX_MESSAGE_BYTES, 'largest message'),
  'max-connections': count(DEFAULT_LIMITS.maxConnections, 1_000_000, 'connections at once'),
  'max-turns-per-connection': count(
    DEFAULT_LIMITS.maxTurnsPerConnection,
    1_000_000,
    'live chats that one connection may have opened',
  ),
  'resume-window': duration(
    DEFAULT_LIMITS.resumeWindowMs,
    'longest time a chat may wait for its host to come back; 0: none',
    0,
  ),
  'drain-timeout': duration(DEFAULT_LIMITS.drainTimeoutMs, 'how long live chats get to end on a stop'),
  home: z
    .string()
    .refine((path) => isAbsolute(path) && !path.includes('\0'))
    .default(defaultHome)
    .register(flagInfo, {
      kind: 'text',
      group: daemon,
      does: 'state directory',
      takes: 'an absolute path',
      value: 'HOME',
      shown: '~/.switchboard',
    }),
  inspect: off(daemon, 'show live statecharts in the console'),
  'inspector-url': z
    .string()
    .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url))
    .default(DEFAULT_INSPECTOR_URL)
    .register(flagInfo, {
      kind: 'text',
      group: daemon,
      does: 'page of the Stately inspector that /inspect/stately holds in a frame, with --inspect',
      takes: 'an http(s) URL',
      value: 'URL',
    }),
  demo: off(daemon, 'attach a small built-in agent, echo'),
  'log-level': z
    .enum(LOG_LEVELS)
    .default('info')
    .register(flagInfo, {
      kind: 'text',
      group: daemon,
      does: 'least severity that is logged',
      takes: `one of ${LOG_LEVELS.join(', ')}`,
      value: 'LEVEL',
    }),
});

/** Every setting, checked and with its default. */
export type Settings = z.infer<typeof configSchema>;

/** What the daemon was asked to be. */
export interface Config {
  settings: Settings;
  /** `SWITCHBOARD_AUTH_TOKEN` and `SWITCHBOARD_HOST_TOKEN`, where they are set. No flag: a command line is public. */
  tokens: { daemon?: string; host?: string };
  /** What was given explicitly, and where: `--port`, `SWITCHBOARD_PORT`, or a key and its file. */
  given: ReadonlyMap<string, string>;
}

/** Each flag's kind; `--config` is the one that is no setting. */
const kinds = new Map([
  ['config', 'text' as const],
  ...Object.entries(configSchema.shape).map(([name, schema]) => [name, flagInfo.get(schema)?.kind ?? 'text'] as const),
]);
const fileKinds = new Map([...kinds].filter(([name]) => name !== 'config'));

/** The text of `--help`. */
export function configHelp(): string {
  return helpText(configSchema.shape);
}

/**
 * Reads the daemon's settings: a flag beats a variable beats the file that `--config` names (`wire.md` section 12).
 *
 * @param argv - the command line after the program's name, without `--help` and `--version`.
 * @throws ConfigError naming what is wrong, where it came from and what it takes.
 */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Config {
  const flags = readFlags(argv, kinds);
  const variables = readVariables(env, kinds);
  const file = flags.get('config') ?? variables.get('config');
  const fromFile: Source = file ? readConfigFile(String(file.value), file.label, fileKinds) : new Map();
  const given: Source = new Map([...fromFile, ...variables, ...flags]);
  given.delete('config');
  settleSocket([flags, variables, fromFile], given);

  const result = configSchema.safeParse(Object.fromEntries([...given].map(([name, { value }]) => [name, value])));
  if (!result.success) throw refusal(result.error, given);
  const settings = result.data;
  if (settings['no-auth'] && !isLoopback(settings.host)) {
    const labels = `${given.get('no-auth')?.label} with ${given.get('host')?.label}`;
    throw new ConfigError(`${labels} takes a loopback host (127.0.0.1, ::1 or localhost), not ${show(settings.host)}`);
  }
  const labels = new Map([...given].map(([name, { label }]) => [name, label]));
  return { settings, tokens: readTokens(env), given: labels };
}

/** `--socket` and `--no-socket` are one setting: the stronger source decides, and one source cannot say both. */
function settleSocket(sources: readonly Source[], given: Map<string, Given>): void {
  for (const source of sources) {
    const [path, none] = [source.get('socket'), source.get('no-socket')];
    if (path && none?.value === true) throw new ConfigError(`${path.label} and ${none.label} exclude each other`);
    if (path) given.delete('no-socket');
    if (none?.value === true) given.delete('socket');
    if (path || none) return;
  }
}

function refusal(error: z.ZodError, given: Source): ConfigError {
  const [name, index] = error.issues[0]?.path ?? [];
  const { label, value } = given.get(String(name)) ?? { label: String(name), value: undefined };
  const wrong = Array.isArray(value) && typeof index === 'number' ? value[index] : value;
  const schema = configSchema.shape[name as keyof Settings];
  return new ConfigError(`${label} takes ${flagInfo.get(schema)?.takes}, not ${show(wrong)}`);
}

/** A token is kept in a file of one line and goes into headers, so it has no white space. It is never shown. */
function readTokens(env: NodeJS.ProcessEnv): { daemon?: string; host?: string } {
  const read = (name: string) => {
    const token = env[name];
    if (token && !/^[\x21-\x7e]+$/.test(token)) throw new ConfigError(`${name} takes printable ASCII without spaces`);
    return token;
  };
  const [daemon, host] = [read('SWITCHBOARD_AUTH_TOKEN'), read('SWITCHBOARD_HOST_TOKEN')];
  return { ...(daemon && { daemon }), ...(host && { host }) };
}
