import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { connectAgent, connectHost, type Turn } from '../../client/node.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/jwt.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { RESOURCE, startProvider } from './support/oidc-provider.ts';
import { CLI, MAIN, Program, run } from './support/program.ts';

/* A daemon that takes the tokens of an authorization server: of a real one, and by a file of keys. */

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('a daemon with the tokens of an OpenID provider', () => {
  it.each(['ES256', 'RS256'])('lets people and agents in by them (%s), each in their tenant', async (alg) => {
    const { issuer, jwksUrl, token } = await startProvider({ alg });
    const flags = ['--jwt-issuer', issuer, '--jwt-audience', RESOURCE, '--jwks-url', jwksUrl];
    const daemon = await startDaemon({ flags: [...flags, '--jwt-tenant-claim', 'org', '--metrics-auth'] });
    const { url } = daemon;
    const agentJwt = () => token('bot', 'agent:bot');
    const onChat = ({ prompt, context }: Turn) => `${prompt} ${JSON.stringify(context.principal)}`;
    const agent = await connectAgent({ url, agentId: 'bot', jwt: agentJwt, env: {}, onChat });
    own(() => agent.close());
    const host = await connectHost({ url, jwt: () => token('ada', 'chat'), env: {} });
    own(() => host.close());
    expect(host.principal).toEqual({ sub: 'ada', tenant: 'acme' });
    expect(await host.chat('bot', 'hello').text()).toBe('hello {"sub":"ada","tenant":"acme"}');
    // Whoever has the daemon's token is of another tenant.
    const local = await connectHost({ url, token: daemon.tokens.daemon, env: {} });
    own(() => local.close());
    expect((await local.agents.list()).map(({ spec }) => spec.id)).toEqual([]);
    const http = url.replace('ws', 'http');
    expect((await fetch(`${http}/metrics`)).status).toBe(401);
    // Metrics are all tenants', and so not for the observer of one.
    expect((await fetch(`${http}/metrics`, bearer(await token('ada', 'observe')))).status).toBe(401);
    expect((await fetch(`${http}/metrics`, bearer(daemon.tokens.host))).status).toBe(200);
    const metadata = await (await fetch(`${http}/.well-known/oauth-protected-resource`)).json();
    expect(metadata).toMatchObject({ resource: RESOURCE, authorization_servers: [issuer] });
  });

  it('is used from the command line, by a file or a variable', async () => {
    const { issuer, jwksUrl, token } = await startProvider();
    const daemon = await startDaemon({
      flags: ['--demo', '--jwt-issuer', issuer, '--jwt-audience', RESOURCE, '--jwks-url', jwksUrl],
    });
    const file = join(temporaryDirectory(), 'jwt');
    writeFileSync(file, `${await token('ada', 'chat')}\n`);
    const env = { SWITCHBOARD_URL: daemon.url, SWITCHBOARD_HOME: temporaryDirectory() };
    const said = { code: 0, out: expect.stringContaining('hello') };
    expect(await run([CLI, 'chat', 'echo', 'hello', '--jwt-file', file], env)).toMatchObject(said);
    const variable = { ...env, SWITCHBOARD_JWT: await token('ada', 'host') };
    expect(await run([CLI, 'agents', 'list'], variable)).toMatchObject({
      code: 0,
      out: expect.stringContaining('echo'),
    });
    expect(await run([CLI, 'keys', 'list'], variable)).toMatchObject({ code: 0 });
    const wrong = await run([CLI, 'chat', 'echo', 'hello'], { ...env, SWITCHBOARD_JWT: 'a.b.c' });
    expect(wrong.err).toBe(
      `switchboard: the daemon at ${daemon.url} refused the JWT in SWITCHBOARD_JWT; its log says why\n`,
    );
    const none = await run([CLI, 'chat', 'echo', 'hello', '--jwt-file', '/nowhere/jwt'], env);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('cannot be read: ENOENT') });
    const both = await run([CLI, 'chat', 'echo', 'hello', '--jwt-file', file, '--token', 'x'], env);
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining('--jwt-file goes with no token') });
    await daemon.program.shows('session.auth was refused: a JWT that is none');
    for (const jwt of [variable.SWITCHBOARD_JWT, 'a.b.c']) expect(daemon.program.lines.join()).not.toContain(jwt);
  });

  it('says at its start that the keys cannot be had, and goes on', async () => {
    const flags = ['--jwt-issuer', ISSUER, '--jwt-audience', RESOURCE, '--jwks-url', 'http://127.0.0.1:1/jwks'];
    const daemon = await startDaemon({ flags });
    await daemon.program.shows('the keys of the issuer cannot be had from http://127.0.0.1:1/jwks: ');
    (await daemon.host()).close();
  });
});

describe('a daemon with a file of keys', () => {
  async function start() {
    const idp = await Issuer.create();
    const file = join(temporaryDirectory(), 'jwks.json');
    const write = (content: unknown) =>
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    write(idp.jwks);
    const flags = ['--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE, '--jwks-file', file];
    return { idp, file, write, flags };
  }

  it('reads it anew on SIGHUP; what cannot be used changes nothing', async () => {
    const { idp, flags, write, file } = await start();
    const daemon = await startDaemon({ flags, mayFail: true });
    const enters = async (whose: Issuer) => {
      const client = await daemon.connect();
      const { error } = await client.call('session.auth', { jwt: await whose.token({ at: Date.now() }) });
      client.close();
      return error === undefined;
    };
    expect(await enters(idp)).toBe(true);
    write('{');
    process.kill(daemon.announced.pid, 'SIGHUP');
    await daemon.program.shows(`the keys of the issuer stay as they were: --jwks-file \\"${file}\\" is no JSON`);
    expect(await enters(idp)).toBe(true);
    const next = await Issuer.create();
    write(next.jwks);
    process.kill(daemon.announced.pid, 'SIGHUP');
    await vi.waitFor(async () => expect(await enters(next)).toBe(true), 10_000);
    expect(await enters(idp)).toBe(false);
  });

  it.each([
    ['not there', undefined, 'cannot be read: ENOENT'],
    ['no JSON', '{', 'is no JSON'],
    ['something else', { hello: 1 }, 'is no JSON Web Key Set, {"keys": […]}'],
    ['empty', { keys: [] }, 'has no key'],
    ['secret', { keys: [{ kty: 'oct', k: 'AAAA' }] }, 'has a private key in it, which no broker needs'],
  ])('does not start where that is %s, and says so in one line', async (_what, content, why) => {
    const { flags, file, write } = await start();
    if (content !== undefined) write(content);
    const argv = content === undefined ? flags.map((flag) => (flag === file ? `${file}x` : flag)) : flags;
    const env = { SWITCHBOARD_HOME: temporaryDirectory() };
    const program = new Program([MAIN, '--port', '0', '--no-socket', ...argv], env);
    expect((await program.exit).code).toBe(1);
    expect(program.err).toBe(`switchboard: --jwks-file ${JSON.stringify(argv.at(-1))} ${why}\n`);
  });
});
