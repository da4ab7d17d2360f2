import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ClusterSettings, checkCluster, clusterFlags, natsOptionsOf } from '../../daemon/cluster-flags.ts';
import type { Given, Source } from '../../daemon/sources.ts';
import { isPeerName } from '../../link/frame.ts';

const schema = z.object(clusterFlags);

/** Reads flags as the daemon does: what they were set to, and which were. */
function read(flags: object): { settings: ClusterSettings; given: Source } {
  const given: Source = new Map(
    Object.entries(flags).map(([name, value]) => [name, { value, label: `--${name}` } as unknown as Given]),
  );
  return { settings: schema.parse(flags), given };
}

const base = { cluster: 'c', 'cluster-nats': ['nats://n1:4222', 'tls://n2'] };

describe('flags of several brokers', () => {
  it('without NATS ask for nothing', () => {
    const { settings, given } = read({});
    expect([natsOptionsOf(settings, 'e'), checkCluster(settings, given)]).toEqual([undefined, undefined]);
  });

  it.each<[string, object, object]>([
    ['creds', { 'cluster-creds': '/f' }, { credentials: { kind: 'creds', file: '/f' } }],
    ['a token', { 'cluster-token-file': '/f' }, { credentials: { kind: 'token', file: '/f' } }],
    [
      'a password',
      { 'cluster-user': 'u', 'cluster-password-file': '/f' },
      { credentials: { kind: 'password', user: 'u', file: '/f' } },
    ],
    ['an authority', { 'cluster-ca': '/ca' }, { tls: { ca: '/ca' } }],
    ['a certificate', { 'cluster-cert': '/c', 'cluster-key': '/k' }, { tls: { cert: '/c', key: '/k' } }],
    ['copies', { 'cluster-replicas': 1 }, { replicas: 1 }],
  ])('with %s › say how NATS is reached', (_what, flags, options) => {
    const { settings, given } = read({ ...base, 'cluster-id': 'b1', ...flags });
    checkCluster(settings, given);
    const found = natsOptionsOf(settings, 'e');
    expect(found).toEqual({ servers: base['cluster-nats'], cluster: 'c', self: { id: 'b1', epoch: 'e' }, ...options });
  });

  it('name a broker by its host where nothing else does', () => {
    expect(natsOptionsOf(read(base).settings, 'e')?.self.id).toSatisfy(isPeerName);
  });

  it.each<[object, string]>([
    [{ 'cluster-nats': ['n'] }, '--cluster-nats goes with --cluster NAME'],
    [{ cluster: 'c' }, '--cluster goes with --cluster-nats URL'],
    [{ 'cluster-creds': '/f' }, '--cluster-creds goes with --cluster-nats URL'],
    [{ ...base, 'cluster-creds': '/f', 'cluster-token-file': '/g' }, 'exclude each other'],
    [{ ...base, 'cluster-home-was': 'b1' }, '--cluster-home-was goes with --cluster-home'],
    [{ ...base, 'cluster-user': 'u' }, '--cluster-user goes with --cluster-password-file'],
    [{ ...base, 'cluster-password-file': '/f' }, '--cluster-password-file goes with --cluster-user'],
    [{ ...base, 'cluster-key': '/f' }, '--cluster-key goes with --cluster-cert'],
    [{ 'peer-flush-ms': 5 }, '--peer-flush-ms goes with --cluster-nats URL or --workers N'],
  ])('that do not go together are refused: %j', (flags, words) => {
    const { settings, given } = read(flags);
    expect(() => checkCluster(settings, given)).toThrow(words);
  });

  it.each<object>([
    { cluster: 'a.b' },
    { cluster: '' },
    { 'cluster-id': '*' },
    { 'cluster-nats': ['nats://me:s3cret@n'] },
    { 'cluster-replicas': 2 },
    { 'peer-flush-ms': 0 },
    { 'peer-flush-ms': 51 },
  ])('take no %j', (flags) => {
    expect(schema.safeParse({ ...base, ...flags }).success).toBe(false);
  });
});
