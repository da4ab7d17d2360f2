import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { isPeerName } from '../link/frame.ts';
import type { Credentials } from '../nats/credentials.ts';
import { isServerUrl, type NatsOptions } from '../nats/options.ts';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import type { Source } from './sources.ts';

const group = 'Several brokers';
const MAX_SERVERS = 16;
const MAX_FLUSH_MS = 50;

function name(does: string, shown?: string) {
  const info = { kind: 'text', group, does, takes: '1–64 of [A-Za-z0-9_-]', value: 'NAME' } as const;
  return z
    .string()
    .refine(isPeerName)
    .optional()
    .register(flagInfo, shown === undefined ? info : { ...info, shown });
}

function file(does: string) {
  return z
    .string()
    .min(1)
    .refine((path) => !path.includes('\0'))
    .transform((path) => resolve(path))
    .optional()
    .register(flagInfo, { kind: 'text', group, does, takes: 'a path', value: 'FILE' });
}

/** The flags of several brokers over NATS (`docs/cluster.md`). No secret is a flag's value: all are in files. */
export const clusterFlags = {
  cluster: name('name of the cluster that this broker is one of'),
  'cluster-id': name("this broker's name, unlike any other's in its cluster", 'the host name'),
  'cluster-home': name(
    'the broker that keeps agents, keys, memory, goals and meetings for all',
    'none: each keeps its own',
  ),
  'cluster-home-was': name('the broker that was home before, whose place --cluster-home takes', 'none'),
  'cluster-nats': z.array(z.string().refine(isServerUrl)).max(MAX_SERVERS).default([]).register(flagInfo, {
    kind: 'list',
    group,
    does: 'server of NATS by which the brokers reach each other, repeatable; tls:// for TLS',
    takes: 'nats://HOST:PORT or tls://HOST:PORT, without user and password',
    value: 'URL',
  }),
  'cluster-creds': file('credentials for NATS: a .creds file, or the seed of an nkey'),
  'cluster-user': z
    .string()
    .min(1)
    .max(256)
    .optional()
    .register(flagInfo, { kind: 'text', group, does: 'user for NATS', takes: 'a name', value: 'NAME' }),
  'cluster-password-file': file('password of that user'),
  'cluster-token-file': file('token for NATS'),
  'cluster-ca': file(
    'certificates that the servers of NATS are trusted by, PEM; with it there is no connection without TLS',
  ),
  'cluster-cert': file("this broker's certificate for NATS, PEM"),
  'cluster-key': file('the key of that, PEM'),
  'cluster-replicas': z
    .union([z.literal(1), z.literal(3), z.literal(5)])
    .optional()
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'on how many servers NATS keeps what the brokers know together',
      takes: '1, 3 or 5',
      value: 'N',
      shown: '3, and 1 where the server is alone',
    }),
  'peer-flush-ms': z
    .int()
    .min(1)
    .max(MAX_FLUSH_MS)
    .default(2)
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'so much time is between two messages to another broker, on the whole, in which what is said to it is gathered',
      takes: `an integer from 1 to ${MAX_FLUSH_MS}`,
      value: 'MS',
    }),
};

/** What {@link clusterFlags} were set to. */
export type ClusterSettings = z.infer<z.ZodObject<typeof clusterFlags>>;

/** What several processes on one machine have, too. */
const ALSO_OF_WORKERS: ReadonlySet<string> = new Set(['peer-flush-ms']);

/** @throws ConfigError where one of them is given without what it goes with, or with what it excludes */
export function checkCluster(settings: ClusterSettings, given: Source): void {
  const label = (name: keyof ClusterSettings) => given.get(name)?.label ?? `--${name}`;
  const isThere = (name: keyof ClusterSettings) => settings[name] !== undefined && given.get(name) !== undefined;
  const isOverNats = settings['cluster-nats'].length > 0;
  const hasWorkers = given.get('workers') !== undefined && given.get('workers')?.value !== 1;
  if (isOverNats && settings.cluster === undefined)
    throw new ConfigError(`${label('cluster-nats')} goes with --cluster NAME`);
  for (const name of Object.keys(clusterFlags) as (keyof ClusterSettings)[]) {
    if (!ALSO_OF_WORKERS.has(name) && name !== 'cluster-nats' && isThere(name) && !isOverNats)
      throw new ConfigError(`${label(name)} goes with --cluster-nats URL`);
  }
  if (isOverNats && hasWorkers)
    throw new ConfigError(`${label('cluster-nats')} and ${given.get('workers')?.label} exclude each other, for now`);
  if (given.get('peer-flush-ms') !== undefined && !isOverNats && !hasWorkers)
    throw new ConfigError(`${label('peer-flush-ms')} goes with --cluster-nats URL or --workers N`);
  const ways = (['cluster-creds', 'cluster-user', 'cluster-token-file'] as const).filter(isThere);
  if (ways.length > 1) throw new ConfigError(`${ways.map(label).join(' and ')} exclude each other`);
  if (isThere('cluster-home-was') && !isThere('cluster-home'))
    throw new ConfigError(`${label('cluster-home-was')} goes with --cluster-home NAME`);
  for (const [one, other] of [
    ['cluster-user', 'cluster-password-file'],
    ['cluster-cert', 'cluster-key'],
  ] as const) {
    for (const [a, b] of [
      [one, other],
      [other, one],
    ] as const) {
      if (isThere(a) && !isThere(b)) throw new ConfigError(`${label(a)} goes with --${b}`);
    }
  }
}

/**
 * How this broker reaches NATS; undefined where it does not.
 * @param epoch - the id of this life of it
 */
export function natsOptionsOf(settings: ClusterSettings, epoch: string): NatsOptions | undefined {
  const { cluster, 'cluster-nats': servers, 'cluster-replicas': replicas } = settings;
  if (cluster === undefined || servers.length === 0) return;
  const credentials = credentialsOf(settings);
  const { 'cluster-ca': ca, 'cluster-cert': cert, 'cluster-key': key } = settings;
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    servers,
    cluster,
    self: { id: settings['cluster-id'] ?? ownName(), epoch },
    ...(credentials && { credentials }),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(replicas !== undefined && { replicas }),
  };
}

function credentialsOf(settings: ClusterSettings): Credentials | undefined {
  const { 'cluster-creds': creds, 'cluster-user': user, 'cluster-password-file': password } = settings;
  const token = settings['cluster-token-file'];
  if (creds !== undefined) return { kind: 'creds', file: creds };
  if (user !== undefined && password !== undefined) return { kind: 'password', user, file: password };
  return token === undefined ? undefined : { kind: 'token', file: token };
}

/** The host's name, as far as a broker may be called so. */
function ownName(): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 64);
  return isPeerName(name) ? name : 'broker';
}
