import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { connectAgent, connectHost, findUrl } from '../../client/node.ts';
import { readConfig } from '../../daemon/config.ts';
import { ConfigError, StartError } from '../../daemon/errors.ts';
import { readTls } from '../../daemon/tls.ts';
import { Authority, type Issued } from '../support/certificates.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, MAIN, Program, run } from './support/program.ts';

/* A daemon whose port speaks TLS, and the programs around it. */

const flagsOf = ({ files }: Issued) => ['--tls-cert', files.cert, '--tls-key', files.key];
const pair = ({ cert, key }: Issued) => ({ cert, key });

/** Such a daemon, with files that a test may change. */
async function startSecured(flags: string[] = [], authority = new Authority(), mayFail = false) {
  const issued = authority.server({ name: 'first' });
  const home = temporaryDirectory();
  const socket = join(home, 'broker.sock');
  const daemon = await startDaemon({ home, mayFail, flags: [...flagsOf(issued), '--socket', socket, ...flags] });
  return { authority, issued, daemon, home, socket, ca: authority.cert };
}

/** The common name in the certificate that a new connection is shown. */
function shownAt({ url }: Daemon): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve([socket.getPeerCertificate().subject.CN].flat()[0]);
      socket.destroy();
    }).on('error', reject);
  });
}

/** A run that has to end by itself, with one line. */
async function refused(flags: string[], env: NodeJS.ProcessEnv = {}) {
  const program = new Program([MAIN, '--port', '0', '--no-socket', ...flags], {
    SWITCHBOARD_HOME: temporaryDirectory(),
    ...env,
  });
  const { code } = await program.exit;
  expect(program.err).toMatch(/^switchboard: [^\n]+\n$/);
  return { code, line: program.err.slice('switchboard: '.length, -1) };
}

/** The same without a process, of what the daemon reads before all else. */
function misread(flags: string[]) {
  try {
    readTls(readConfig(flags, {}));
  } catch (error) {
    if (error instanceof ConfigError) return { code: 2, line: error.message };
    if (error instanceof StartError) return { code: error.exitCode, line: error.message };
    throw error;
  }
  throw new Error('was accepted');
}

describe('a daemon whose port speaks TLS', () => {
  it('says wss in broker.json, and is reached by its socket from its home, by --ca from elsewhere', async () => {
    const { authority, daemon, home, socket } = await startSecured(['--demo']);
    expect(daemon.announced).toMatchObject({ url: expect.stringMatching(/^wss:\/\/127\.0\.0\.1:\d+$/), socket });
    expect(findUrl({ home, env: {} })).toBe(`ws+unix:${socket}:/`);
    expect(findUrl({ home, env: {} }, 'tcp')).toBe(daemon.url);
    const near = await run([CLI, 'chat', 'echo', 'hello there'], { SWITCHBOARD_HOME: home });
    expect(near).toMatchObject({ code: 0, out: expect.stringContaining('hello there') });
    const there = ['agents', '--url', daemon.url];
    const env = { SWITCHBOARD_HOME: home };
    expect(await run([CLI, ...there, '--ca', authority.file], env)).toMatchObject({
      code: 0,
      out: expect.stringContaining('echo'),
    });
    const unknown = await run([CLI, ...there], env);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('--ca FILE') });
    const other = await run([CLI, ...there, '--ca', new Authority().file], env);
    expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/certificate of wss:.*comes without/) });
  });

  it('serves the console by https, and the command prints the link to it', async () => {
    const { authority, daemon, home } = await startSecured();
    const link = `${daemon.url.replace('wss:', 'https:')}/#token=${daemon.tokens.host}\n`;
    const argv = [CLI, 'console', '--no-open'];
    const known = await run([...argv, '--ca', authority.file], { SWITCHBOARD_HOME: home });
    expect(known).toMatchObject({ code: 0, out: link });
    expect(known.err).not.toContain('does not know');
    const unknown = await run(argv, { SWITCHBOARD_HOME: home });
    expect(unknown).toMatchObject({ code: 0, out: link, err: expect.stringContaining('does not know who has signed') });
  });

  it.each([
    ['--ca', '/no/such/file', 'cannot be read: ENOENT'],
    ['--ca', CLI, 'holds no certificate'],
    ['--cert', CLI, '--cert goes with --key'],
    ['--key', CLI, '--key goes with --cert'],
  ])('a command with %s %s › says what is wrong with it', async (flag, path, words) => {
    const { code, err } = await run([CLI, 'agents', '--url', 'wss://localhost:1', flag, path]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(words) });
  });
});

describe('SIGHUP to a daemon whose port speaks TLS', () => {
  it('while a chat streams › shows the new certificate to new connections, and ends nothing', async () => {
    const { authority, issued, daemon, ca } = await startSecured(['--demo']);
    const host = await connectHost({ url: daemon.url, token: daemon.tokens.daemon, tls: { ca } });
    own(() => host.close());
    const words = Array.from({ length: 100 }, (_, at) => `word${at}`).join(' ');
    const chat = host.chat('echo', words);
    let said = '';
    let isRenewed = false;
    for await (const event of chat) {
      if (event.kind === 'token') said += event.delta;
      if (isRenewed) continue;
      isRenewed = true;
      const next = authority.server({ name: 'second' });
      copyFileSync(next.files.cert, issued.files.cert);
      copyFileSync(next.files.key, issued.files.key);
      daemon.program.child.kill('SIGHUP');
      await daemon.program.shows('new connections get the certificates');
      expect(await shownAt(daemon)).toBe('second');
    }
    expect(said).toBe(words);
    expect(await daemon.program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('with files that cannot be used › says why in one line, and goes on with the old certificate', async () => {
    const { authority, issued, daemon, ca } = await startSecured([], new Authority(), true);
    copyFileSync(authority.server().files.key, issued.files.key);
    daemon.program.child.kill('SIGHUP');
    await daemon.program.shows('stay as they were');
    const said = daemon.program.lines.filter((line) => line.includes('stay as they were'));
    expect(said).toEqual([
      expect.stringContaining(`--tls-key \\"${issued.files.key}\\" is not that of the certificate`),
    ]);
    expect(said[0]).not.toContain('PRIVATE');
    expect(await shownAt(daemon)).toBe('first');
    const host = await connectHost({ url: daemon.url, token: daemon.tokens.daemon, tls: { ca } });
    await host.close();
    // A third one that can be used is.
    const next = authority.server({ name: 'third' });
    copyFileSync(next.files.cert, issued.files.cert);
    copyFileSync(next.files.key, issued.files.key);
    daemon.program.child.kill('SIGHUP');
    await daemon.program.shows('new connections get the certificates');
    expect(await shownAt(daemon)).toBe('third');
  });

  it('without TLS › stops it, as before', async () => {
    const daemon = await startDaemon();
    expect(await daemon.program.kill('SIGHUP')).toEqual({ code: 0, signal: null });
  });
});

describe('a daemon that asks for client certificates', () => {
  it('takes an agent by its certificate, by variables and a file too, and nobody without one', async () => {
    const authority = new Authority();
    const file = join(authority.directory, 'config.json');
    const issued = authority.server();
    const settings = { 'tls-cert': issued.files.cert, 'tls-key': issued.files.key, 'tls-client-auth': 'require' };
    writeFileSync(file, JSON.stringify(settings));
    const daemon = await startDaemon({
      flags: ['--config', file, '--tls-agent-san', 'switchboard:agent:'],
      env: { SWITCHBOARD_TLS_CA: authority.file },
    });
    const { url } = daemon;
    const ca = authority.cert;
    const shown = authority.issue({ names: ['URI:switchboard:agent:writer'] });
    const onChat = ({ prompt }: { prompt: string }) => Promise.resolve(`about ${prompt}`);
    // Asked anew at each connection.
    const agent = await connectAgent({ url, agentId: 'writer', env: {}, tls: () => ({ ca, ...pair(shown) }), onChat });
    own(() => agent.close());
    const person = authority.issue({ name: 'ada' });
    const host = await connectHost({ url, env: {}, home: temporaryDirectory(), tls: { ca, ...pair(person) } });
    own(() => host.close());
    expect(await host.chat('writer', 'snow').text()).toBe('about snow');
    const other = connectAgent({
      url,
      agentId: 'other',
      env: {},
      tls: { ca, ...pair(shown) },
      onChat,
      reconnect: false,
    });
    await expect(other).rejects.toMatchObject({ name: 'AuthError' });

    const argv = [CLI, 'agents', '--url', url, '--token', daemon.tokens.daemon, '--ca', authority.file];
    const without = await run(argv);
    expect(without).toMatchObject({ code: 3, err: expect.stringMatching(/client certificate needed; --cert FILE/) });
    const { cert, key } = person.files;
    expect(await run([...argv, '--cert', cert, '--key', key])).toMatchObject({
      code: 0,
      out: expect.stringContaining('writer'),
    });
    const health = await new Promise((resolve, reject) => {
      request(`${url.replace('wss:', 'https:')}/healthz`, { ca }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(health).toBe(403);
  });
});

describe('a daemon that is to speak TLS and cannot', () => {
  it('for want of another flag › ends with 2, and names both', async () => {
    const authority = new Authority();
    const issued = authority.server();
    const both = flagsOf(issued);
    const ca = ['--tls-ca', authority.file];
    const cases: [string[], RegExp][] = [
      [both.slice(0, 2), /^--tls-cert goes with --tls-key/],
      [both.slice(2), /^--tls-key goes with --tls-cert/],
      [ca, /^--tls-ca goes with --tls-cert/],
      [[...both, ...ca], /^--tls-ca goes with --tls-client-auth request or require/],
      [[...both, '--tls-client-auth', 'require'], /^--tls-client-auth goes with --tls-ca/],
      [[...both, '--tls-agent-san', 'x:'], /^--tls-agent-san goes with --tls-client-auth/],
      [
        [...both, ...ca, '--tls-client-auth', 'maybe'],
        /^--tls-client-auth takes one of none, request, require, not "maybe"/,
      ],
      [
        [...both, ...ca, '--tls-client-auth', 'require', '--tls-agent-san', 'no uri'],
        /^--tls-agent-san takes the beginning/,
      ],
      // A certificate does not stand for authentication.
      [
        [...both, ...ca, '--tls-client-auth', 'require', '--no-auth', '--host', '0.0.0.0'],
        /^--no-auth with --host takes/,
      ],
    ];
    for (const [flags, line] of cases) expect(misread(flags)).toEqual({ code: 2, line: expect.stringMatching(line) });
    const env = { SWITCHBOARD_TLS_CERT: issued.files.cert };
    const line = expect.stringMatching(/^SWITCHBOARD_TLS_CERT goes with --tls-key/);
    expect(await refused([], env)).toEqual({ code: 2, line });
  });

  it('for what is in the files › ends with 1, and names the flag, the file, and what is wrong', async () => {
    const authority = new Authority();
    const [one, other] = [authority.server(), authority.server()];
    const { cert, key } = one.files;
    const pipe = join(authority.directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const asking = ['--tls-client-auth', 'require', '--tls-ca'];
    const cases: [string[], string][] = [
      [['--tls-cert', '/no/such.pem', '--tls-key', key], '--tls-cert "/no/such.pem" cannot be read: ENOENT'],
      [
        ['--tls-cert', authority.directory, '--tls-key', key],
        `--tls-cert "${authority.directory}" cannot be read: EISDIR`,
      ],
      [['--tls-cert', key, '--tls-key', key], `--tls-cert "${key}" holds no certificate in PEM`],
      [['--tls-cert', cert, '--tls-key', cert], `--tls-key "${cert}" holds no private key in PEM`],
      [
        ['--tls-cert', cert, '--tls-key', other.files.key],
        `--tls-key "${other.files.key}" is not that of the certificate`,
      ],
      [[...flagsOf(one), ...asking, key], `--tls-ca "${key}" holds no certificate in PEM`],
    ];
    for (const [flags, line] of cases) expect(misread(flags)).toEqual({ code: 1, line });
    const { line, code } = await refused(['--tls-cert', pipe, '--tls-key', key]);
    expect({ code, line }).toEqual({ code: 1, line: `--tls-cert "${pipe}" is no file` });
  });

  it('an expired certificate is no such thing: it warns, and starts', async () => {
    const authority = new Authority();
    const flags = flagsOf(authority.server({ name: 'old.example', era: 'past' }));
    const { program } = await startDaemon({ flags });
    expect(program.lines.filter((line) => line.includes('"level":40'))).toEqual([
      expect.stringMatching(/\(CN=old\.example\) has expired: it was valid until Jan/),
    ]);
  });
});
