import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { isJwksUrl } from '../jwt/options.ts';
import { UNGATEABLE_METHODS } from '../protocol/approvals.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/bounds.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { readSharedLimit, SHARED_LIMIT_VALUE, SHARED_LIMITS } from '../protocol/shared-limits.ts';
import { HOST_NAME } from '../transport/checks.ts';
import { DEFAULT_INSPECTOR_URL } from '../transport/console-pages.ts';
import { clusterFlags } from './cluster-flags.ts';
import { defaultHome } from './default-home.ts';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import { frontFlags } from './front-flags.ts';
import { helpText } from './help.ts';
import { journalFlags } from './journal-flags.ts';
import { LOG_LEVELS } from './log.ts';
import { isLoopback } from './loopback.ts';
import { recordFlags } from './record-flags.ts';
import { SOCKET_PATH_LIMIT } from './socket.ts';
import { type Given, readConfigFile, readFlags, readVariables, type Source, show } from './sources.ts';
import { telemetryFlags } from './telemetry-flags.ts';
import { checkTogether } from './together.ts';
import { workerFlags } from './workers/flags.ts';

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

function filePath(does: string, value: string, shown?: string) {
  const schema = z
    .string()
    .min(1)
    .refine((path) => !path.includes('\0'))
    .transform((path) => resolve(path))
    .optional();
  const info = { kind: 'text', group: safety, does, takes: 'a path', value } as const;
  return schema.register(flagInfo, shown === undefined ? info : { ...info, shown });
}

function jwtText(does: string, value: string) {
  const schema = z.string().min(1).max(2_048).optional();
  const info = { kind: 'text', group: safety, does, takes: 'a text', value, shown: 'none' } as const;
  return schema.register(flagInfo, info);
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
  'allow-host': z.array(z.string().regex(HOST_NAME)).default([]).register(flagInfo, {
    kind: 'list',
    group: safety,
    does: 'name that a proxy passes on as Host, repeatable',
    takes: 'host names such as chat.example, without scheme, port or path',
    value: 'HOST',
  }),
  'tls-cert': filePath('certificate of the TCP port, which then speaks TLS, and those up to its root', 'FILE', 'none'),
  'tls-key': filePath('its private key, without a passphrase', 'FILE', 'none'),
  'tls-ca': filePath('authorities whose client certificates count', 'FILE', 'none'),
  'tls-client-auth': z.enum(['none', 'request', 'require']).default('none').register(flagInfo, {
    kind: 'text',
    group: safety,
    does: 'whether clients are asked for a certificate, or have to have one',
    takes: 'one of none, request, require',
    value: 'MODE',
  }),
  'tls-agent-san': z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*:\S*$/i)
    .optional()
    .register(flagInfo, {
      kind: 'text',
      group: safety,
      does: 'what the URIs in client certificates begin with that bind an agent; the rest is its id',
      takes: 'the beginning of a URI, such as switchboard:agent:',
      value: 'PREFIX',
      shown: 'none',
    }),
  'jwt-issuer': jwtText('whose JWTs are taken, as iss names it', 'ISSUER'),
  'jwt-audience': jwtText('what the broker is called in aud of a JWT, best the URL that it is reached by', 'AUDIENCE'),
  'jwks-url': z.string().refine(isJwksUrl).optional().register(flagInfo, {
    kind: 'text',
    group: safety,
    does: 'where the keys of the issuer are',
    takes: 'an https URL, or an http one on this machine, without a user',
    value: 'URL',
    shown: 'none',
  }),
  'jwks-file': filePath('the keys of the issuer in place of that; SIGHUP reads it anew', 'FILE', 'none'),
  'jwt-tenant-claim': jwtText('claim of a JWT that names the tenant; without it everybody is of default', 'CLAIM'),
  'metrics-auth': off(safety, 'answer /metrics only to who has the daemon or host token, or the scope observe or host'),
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
  audit: filePath('file that says who did what; SIGHUP opens it anew', 'FILE'),
  'audit-key-file': filePath('key that the audit is made with, made where there is none', 'FILE', 'HOME/audit.key'),
  'audit-required': off(safety, 'refuse what is privileged while the audit cannot be written'),
  ...frontFlags,
  'approval-timeout': duration(60_000, 'how long an approval is waited for'),
  'stale-after': duration(DEFAULT_LIMITS.staleAfterMs, 'silence of an agent after which its turn ends'),
  'agent-wait': duration(
    DEFAULT_LIMITS.agentWaitMs,
    'how long a chat waits for an agent that detached less than so long ago; 0: not at all',
    0,
  ),
  'agent-window': duration(
    DEFAULT_LIMITS.agentWindowMs,
    'how long turns wait for an agent that has lost its connection and can come back; 0: not at all',
    0,
  ),
  'max-message-bytes': count(DEFAULT_LIMITS.maxMessageBytes, MAX_MESSAGE_BYTES, 'largest message'),
  'max-connections': count(DEFAULT_LIMITS.maxConnections, 1_000_000, 'connections at once'),
  'max-turns-per-connection': count(
    DEFAULT_LIMITS.maxTurnsPerConnection,
    1_000_000,
    'live chats that one connection may have opened',
  ),
  limit: z
    .array(z.string().refine((text) => readSharedLimit(text) !== undefined))
    .default([])
    .register(flagInfo, {
      kind: 'list',
      group: bounds,
      does: 'limit that all connections of one identity, agent or tenant share, repeatable',
      takes: `NAME=N, N ${SHARED_LIMIT_VALUE} and NAME one of ${SHARED_LIMITS.join(', ')}`,
      value: 'NAME=N',
    }),
  'resume-window': duration(
    DEFAULT_LIMITS.resumeWindowMs,
    'longest time a chat may wait for its host to come back; 0: none',
    0,
  ),
  'max-all-log-bytes': count(
    DEFAULT_LIMITS.maxAllLogBytes,
    Number.MAX_SAFE_INTEGER,
    'memory for what resumed chats may have missed, of all together; ended ones keep theirs for 5 min',
  ),
  'drain-timeout': duration(DEFAULT_LIMITS.drainTimeoutMs, 'how long live chats get to end on a stop'),
  ...journalFlags,
  ...recordFlags,
  ...telemetryFlags,
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
  ...workerFlags,
  ...clusterFlags,
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
  attach: z
    .string()
    .min(1)
    .refine((path) => !path.includes('\0'))
    .transform((path) => resolve(path))
    .optional()
    .register(flagInfo, {
      kind: 'text',
      group: daemon,
      does: 'JSON file that names agents to run and attach (docs/agents.md)',
      takes: 'a path',
      value: 'FILE',
      shown: 'none',
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
  checkTogether(settings, given);
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
