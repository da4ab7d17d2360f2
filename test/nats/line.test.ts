import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { NatsCarrier } from '../../nats/carrier.ts';
import type { Credentials } from '../../nats/credentials.ts';
import { NatsError } from '../../nats/errors.ts';
import { isServerUrl, type NatsOptions } from '../../nats/options.ts';
import { nkeys } from '../../sdks/nats.ts';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';
import { Authority } from '../support/certificates.ts';
import { describeNats, natsServers } from '../support/nats-servers.ts';
import { newCluster, optionsOf } from './support/brokers.ts';
import { operator } from './support/jwt.ts';

const nothing = () => {};
const handlers = { frame: nothing, reachable: nothing, unreachable: nothing, writable: nothing };

/** A carrier that is open. */
async function open(options: NatsOptions) {
  const carrier = new NatsCarrier(options);
  own(() => carrier.close());
  await carrier.open(handlers);
  return carrier;
}

/** What is said of a connection that there is not: its kind, and the line that people read. */
async function problem(options: NatsOptions): Promise<NatsError> {
  const error = await open({ connectMs: 0, ...options }).then(
    () => new Error('it is open'),
    (error) => error,
  );
  expect(error).toBeInstanceOf(NatsError);
  return error;
}

function fileOf(text: string): string {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const options = (also: Partial<NatsOptions>): NatsOptions => optionsOf([], 'c', 'a', also);

describe('what NATS is reached by', () => {
  it.each<[string, Partial<NatsOptions>, string]>([
    ['no server', {}, 'no server'],
    ['a password in the address', { servers: ['nats://me:s3cret@nats.example:4222'] }, 'without user and password'],
    ['another protocol', { servers: ['ws://nats.example'] }, 'tls://HOST:PORT'],
    ['a cluster that is no token', { servers: ['n'], cluster: 'a.b' }, 'letters, digits'],
    ['a cluster without a name', { servers: ['n'], cluster: '' }, 'letters, digits'],
    ['a broker that is no token', { servers: ['n'], self: { id: '*', epoch: 'e' } }, 'letters, digits'],
    ['a life that is no token', { servers: ['n'], self: { id: 'a', epoch: 'e.f' } }, 'letters, digits'],
    ['two copies', { servers: ['n'], replicas: 2 }, '1, 3 or 5'],
    ['a certificate that is not there', { servers: ['n'], tls: { ca: '/nowhere/ca.pem' } }, '/nowhere/ca.pem'],
    ['a certificate without its key', { servers: ['n'], tls: { cert: import.meta.filename } }, 'goes with its key'],
    ['credentials that are not there', { servers: ['n'], credentials: { kind: 'token', file: '/nowhere' } }, 'ENOENT'],
  ])('is refused, with %s', async (_what, also, words) => {
    const error = await problem(options(also)).catch((error) => error);
    expect([error.problem, error.message]).toEqual(['config', expect.stringContaining(words)]);
    expect(error.message).not.toContain('s3cret');
  });

  it.each(['creds', 'password', 'token'] as const)('is refused, with nothing in the file of %s', async (kind) => {
    const file = fileOf('\n');
    const credentials: Credentials = kind === 'password' ? { kind, user: 'u', file } : { kind, file };
    expect((await problem(options({ servers: ['n'], credentials }))).message).toContain('has no credentials');
  });

  it.each(['SUNOTASEED', 'two\nlines'])('is refused, with credentials that are none: %j', async (text) => {
    const credentials = { kind: 'creds', file: fileOf(text) } as const;
    const { message } = await problem(options({ servers: ['n'], credentials }));
    expect([message, message.includes(text)]).toEqual([expect.stringContaining('nsc'), false]);
  });

  it('may be a name, an address, and a port', () => {
    for (const url of ['n', 'n:4222', 'nats://n.example', 'tls://10.0.0.1:1', 'nats://[::1]:4222/']) {
      expect([url, isServerUrl(url)]).toEqual([url, true]);
    }
    for (const url of ['', 'nats://', 'n:0', 'n:70000', 'nats://n/x', 'nats://n?x', 'http://n', 'u@n', 'n n']) {
      expect([url, isServerUrl(url)]).toEqual([url, false]);
    }
  });
});

describeNats('a connection with NATS', () => {
  it('that there is not, because nobody listens, is said with where', async () => {
    const [server] = await natsServers(1, { jetStream: false });
    await server?.kill();
    const error = await problem(options({ servers: [server?.url ?? ''] }));
    expect([error.problem, error.message]).toEqual(['no_server', expect.stringContaining(server?.url ?? '')]);
  });

  it('is there as soon as a server is, if that does not take longer than it may', async () => {
    const [server] = await natsServers(1, { jetStream: false });
    await server?.kill();
    const carrier = open(options({ servers: [server?.url ?? ''], connectMs: 20_000 }));
    server?.start();
    expect((await carrier).isConnected).toBe(true);
  });

  it('by a password, a token, an nkey or a creds file › is for whoever has it alone, and tells no secret', async () => {
    const user = nkeys.createUser();
    const { config, creds } = operator();
    const cases: [string, Credentials, Credentials][] = [
      [
        'authorization { user: "me", password: "s3cret" }',
        { kind: 'password', user: 'me', file: fileOf('s3cret\n') },
        { kind: 'password', user: 'me', file: fileOf('another') },
      ],
      [
        'authorization { token: "s3cret" }',
        { kind: 'token', file: fileOf('s3cret\n') },
        { kind: 'token', file: fileOf('another') },
      ],
      [
        `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`,
        { kind: 'creds', file: fileOf(Buffer.from(user.getSeed()).toString()) },
        { kind: 'creds', file: fileOf(Buffer.from(nkeys.createUser().getSeed()).toString()) },
      ],
      [config, { kind: 'creds', file: fileOf(creds) }, { kind: 'creds', file: fileOf(operator().creds) }],
    ];
    for (const [more, right, wrong] of cases) {
      const servers = await natsServers(1, { jetStream: false, more });
      const cluster = newCluster();
      expect((await open(optionsOf(servers, cluster, 'a', { credentials: right }))).isConnected).toBe(true);
      for (const also of [{ credentials: wrong }, {}]) {
        const error = await problem(optionsOf(servers, cluster, 'a', also));
        expect(error.problem).toBe('credentials');
        expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/s3cret|another|SU[A-Z0-9]{50}/);
      }
    }
  });

  it('whose password is replaced › has it at the next one, and keeps trying until then', async () => {
    const more = 'authorization { user: "me", password: "first" }';
    const [server] = await natsServers(1, { jetStream: false, more });
    const file = fileOf('first');
    const credentials: Credentials = { kind: 'password', user: 'me', file };
    const news: string[] = [];
    const tell = ({ message }: { message: string }) => news.push(message);
    const carrier = await open(options({ servers: [server?.url ?? ''], credentials, tell }));
    await server?.kill();
    await vi.waitFor(() => expect(carrier.isConnected).toBe(false));
    writeFileSync(file, 'second');
    server?.start();
    // More often than a client would that gives up.
    await vi.waitFor(() => expect(news.filter((line) => /authorization/i.test(line)).length).toBeGreaterThan(3));
    expect(carrier.isConnected).toBe(false);
    // As it is while somebody writes it.
    writeFileSync(file, '');
    writeFileSync(file, 'first');
    await vi.waitFor(() => expect(carrier.isConnected).toBe(true));
  });

  it('by TLS › believes the authority that it was given, shows its own certificate, and is never without', async () => {
    const authority = new Authority();
    const issued = authority.server();
    const own = authority.issue({ name: 'broker' });
    const more = `tls { cert_file: "${issued.files.cert}", key_file: "${issued.files.key}", ca_file: "${authority.file}", verify: true }`;
    const [server] = await natsServers(1, { jetStream: false, more });
    const servers = [`tls://${server?.url}`];
    const tls = { ca: authority.file, cert: own.files.cert, key: own.files.key };
    expect((await open(options({ servers, tls }))).isConnected).toBe(true);
    expect((await problem(options({ servers }))).problem).toBe('tls');
    expect((await problem(options({ servers, tls: { ...tls, ca: new Authority().file } }))).problem).toBe('tls');
    const [plain] = await natsServers(1, { jetStream: false });
    expect((await problem(options({ servers: [plain?.url ?? ''], tls }))).problem).toBe('tls');
    expect((await problem(options({ servers: [`tls://${plain?.url}`] }))).problem).toBe('tls');
  });

  it('whose messages may not be as long as a frame › is refused', async () => {
    const servers = await natsServers(1, { jetStream: false, more: 'max_payload: 100KB' });
    const error = await problem(optionsOf(servers, 'c', 'a'));
    expect([error.problem, error.message]).toEqual(['max_payload', expect.stringContaining('102400')]);
  });

  it('by which heartbeats may not be heard › is refused', async () => {
    const more = 'authorization { users: [ { user: "me", password: "pw", permissions: { subscribe: "sb.c.b.>" } } ] }';
    const servers = await natsServers(1, { jetStream: false, more });
    const credentials: Credentials = { kind: 'password', user: 'me', file: fileOf('pw') };
    const error = await problem(optionsOf(servers, 'c', 'a', { credentials }));
    expect([error.problem, error.message]).toEqual(['permission', expect.stringContaining('sb.c.hb')]);
  });

  it('with a server that is good for trials only › says so', async () => {
    const servers = await natsServers(1, { jetStream: false });
    const news: string[] = [];
    const carrier = await open(optionsOf(servers, 'c', 'a', { tell: ({ message }) => news.push(message) }));
    expect(carrier.isConnected).toBe(true);
    const { version } = (await (await fetch(`${servers[0]?.monitor}/varz`)).json()) as { version: string };
    const [major = 0, minor = 0, micro = 0] = version.split('.').map(Number);
    const isNew = major > 2 || (major === 2 && (minor > 11 || (minor === 11 && micro >= 1)));
    expect(news.filter((line) => line.includes(version) && line.includes('2.11.1'))).toHaveLength(isNew ? 0 : 1);
  });
});
