import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOST_METHODS } from '../../cli/explain.ts';
import { requests } from '../../protocol/methods.ts';
import { NOBODY, nodeOfNobody } from '../support/nobody.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { CLI, Program, run } from './support/program.ts';

/* What keeps the command line from a daemon is said in one line, which names the cause. */

const CERTIFICATES = join(import.meta.dirname, 'support/certificates');

async function listen(server: Server | ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  own(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A server with a certificate, whose connections never get further than that. */
function serveTls(certificate: string): Promise<number> {
  const read = (name: string) => readFileSync(join(CERTIFICATES, name));
  return listen(createServer({ key: read('key.pem'), cert: read(certificate) }));
}

/** One command whose only words are one line. */
async function fails(argv: string[], env: NodeJS.ProcessEnv = {}) {
  const { code, out, err } = await run([CLI, ...argv], { SWITCHBOARD_HOME: temporaryDirectory(), ...env });
  expect(out).toBe('');
  expect(err).toMatch(/^(switchboard|error): [^\n]+\n$/);
  return { code, err };
}

const trust = (name: string) => ({ NODE_EXTRA_CA_CERTS: join(CERTIFICATES, name) });

describe('a command, when it gets no connection', () => {
  it.each([
    ['is signed by itself', 'elsewhere.pem', {}, 'is signed by itself; --ca FILE, or NODE_EXTRA_CA_CERTS'],
    ['is for another name', 'elsewhere.pem', trust('elsewhere.pem'), 'is for another name (ERR_TLS_CERT_ALTNAME'],
    ['has expired', 'expired.pem', trust('expired.pem'), 'has expired (CERT_HAS_EXPIRED)'],
  ])('since the certificate %s › says so', async (_, certificate, env, words) => {
    const url = `wss://localhost:${await serveTls(certificate)}/`;
    expect(await fails(['agents', '--url', url], env)).toEqual({
      code: 1,
      err: expect.stringContaining(`the certificate of ${url} ${words}`),
    });
  });

  it('since one of both speaks TLS and the other does not › says what the URL has to begin with', async () => {
    const { url } = await startDaemon();
    const secure = url.replace('ws:', 'wss:');
    expect((await fails(['agents', '--url', secure])).err).toContain(`${secure} does not speak TLS`);
    const plain = `ws://localhost:${await serveTls('elsewhere.pem')}/`;
    expect((await fails(['agents', '--url', plain])).err).toContain(plain);
  });

  it('since there is no such name › says that', async () => {
    const { code, err } = await fails(['agents', '--url', 'ws://no-such-machine.invalid/']);
    expect({ code, err }).toEqual({ code: 3, err: expect.stringMatching(/(no machine of that name|looked up).*\(E/) });
  });

  it('since it was refused › says with which status', async () => {
    const refusing = createHttpServer().on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 5\r\n\r\nnope\n');
    });
    const url = `ws://localhost:${await listen(refusing)}/`;
    const { code, err } = await fails(['agents', '--url', url]);
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining(`${url} refused the connection with 403: nope; its log says`),
    });
  });

  it.each([
    ['--url', ['agents', '--url', 'http://x'], {}],
    ['--url', ['chat', 'echo', 'hi', '--url', 'nonsense'], {}],
    ['SWITCHBOARD_URL', ['agents'], { SWITCHBOARD_URL: 'https://x' }],
  ])('since %s is no WebSocket URL › says what it takes, with 2', async (name, argv, env) => {
    const { code, err } = await fails(argv, env);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(new RegExp(`^switchboard: ${name} takes ws://`)),
    });
  });

  it("since the home is another user's › says so, and not that no daemon is running", async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'run'));
    writeFileSync(join(home, 'run/broker.json'), '{}');
    chmodSync(join(home, 'run'), 0o000);
    // The superuser may read anything.
    const place = NOBODY === undefined ? {} : { uid: NOBODY, runtime: nodeOfNobody() };
    if (NOBODY !== undefined) chmodSync(home, 0o755);
    const program = new Program([CLI, 'agents'], { SWITCHBOARD_HOME: home }, undefined, place);
    const { code } = await program.exit;
    expect({ code, err: program.err }).toEqual({
      code: 4,
      err: expect.stringContaining(`this user may not read ${join(home, 'run')}`),
    });
    chmodSync(join(home, 'run'), 0o700);
  });
});

describe('a command, when its token is not taken', () => {
  it('says which it was, and where it came from', async () => {
    const { url, home, tokens, run: folder } = await startDaemon();
    const of = async (argv: string[], env: NodeJS.ProcessEnv = {}) => {
      const { code, err } = await fails(argv, { SWITCHBOARD_HOME: home, ...env });
      expect(code).toBe(4);
      expect(err).not.toContain(tokens.daemon);
      return err;
    };
    expect(await of(['agents', '--token', 'x'])).toContain(`the daemon at ${url} refused the token that --token gave`);
    expect(await of(['agents'], { SWITCHBOARD_AUTH_TOKEN: 'x' })).toContain('the token in SWITCHBOARD_AUTH_TOKEN');
    expect(await of(['agents', 'add', 'a', '--host-token', tokens.daemon])).toContain(
      'refused the host token that --host-token gave; it is the daemon token, and this needs the host token',
    );
    writeFileSync(join(folder, 'auth-token'), 'another\n');
    expect(await of(['agents'])).toContain(`the token in ${join(folder, 'auth-token')}`);
  });

  it('says that it has none, where none was found', async () => {
    const { url } = await startDaemon();
    const { code, err } = await fails(['agents', '--url', url]);
    expect({ code, err }).toEqual({
      code: 4,
      err: expect.stringContaining('asks for the token, and none was found: give --token or SWITCHBOARD_AUTH_TOKEN'),
    });
    expect((await fails(['agents', 'add', 'a', '--url', url])).err).toContain('asks for the host token');
  });
});

describe('what the command line knows of methods', () => {
  it('is which of them need the host token', () => {
    const wanted = [...requests].filter(([, { role }]) => role === 'host').map(([name]) => name);
    expect([...HOST_METHODS].sort()).toEqual(wanted.sort());
  });
});

describe('a group of commands', () => {
  it.each(['agents', 'meetings', 'surfaces'])(
    '%s lst › is an unknown command, and the known ones are named',
    async (group) => {
      const { code, err } = await fails([group, 'lst']);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^error: unknown command 'lst' .*list/) });
    },
  );
});
