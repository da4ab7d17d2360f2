import { describe, expect, test } from 'vitest';
import type { BrokerOptions } from '../../broker.ts';
import { Authority } from '../support/certificates.ts';
import { recordingLog } from '../support/kept-log.ts';
import { readMetric } from '../support/metrics.ts';
import { get, pair, startAsking } from './secured.ts';
import { SocketClient } from './socket-client.ts';

describe('a port that requires client certificates', () => {
  test('answers whoever has none, or one that does not count, with 403, and the log says why', async () => {
    const { log, lines } = recordingLog();
    const { authority, broker, address, port, ca } = await startAsking('require', {}, { log });
    const good = pair(authority.issue({ name: 'ada' }));
    const [foreign, old] = [new Authority().issue({ name: 'ada' }), authority.issue({ name: 'ada', era: 'past' })];
    expect((await get(port, '/healthz', { ca, ...good })).status).toBe(200);
    for (const shown of [{}, pair(foreign), pair(old)]) {
      expect(await get(port, '/healthz', { ca, ...shown })).toEqual({
        status: 403,
        body: 'client certificate needed\n',
      });
      await expect(SocketClient.connect(address, { ca, ...shown })).rejects.toThrow('403');
    }
    expect(await readMetric(broker, 'strangers_refused_total')).toEqual({ certificate: 4, no_certificate: 2 });
    const warned = lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
    // Each once a minute.
    expect(warned).toEqual([
      expect.stringContaining('without a certificate'),
      expect.stringContaining("a client's certificate does not count"),
    ]);
    const host = await SocketClient.host(broker, address, { ca, ...good });
    expect(await host.ok('agents.list')).toEqual([]);
  });
});

describe('a port that asks for client certificates', () => {
  test('lets in whoever has none, by a token, and does not look at one that does not count', async () => {
    const { log, lines } = recordingLog();
    const { broker, address, ca } = await startAsking('request', {}, { log });
    await SocketClient.host(broker, address, { ca });
    const foreign = pair(new Authority().issue({ name: 'ada' }));
    const stranger = await SocketClient.connect(address, { ca, ...foreign });
    expect((await stranger.call('session.auth', {})).error).toMatchObject({ code: -32602 });
    expect(await stranger.ok('session.auth', { token: broker.tokens.daemon })).toMatchObject({ ok: true });
    expect(lines.find(({ text }) => text.includes("client's certificate does not count"))?.text).toMatch(/--tls-ca/);
  });

  test('one that counts › is somebody of its own: by its one URI, else by its common name', async () => {
    const { authority, broker, address, ca } = await startAsking('request');
    const agent = await SocketClient.agent(broker, address, 'echo', { ca });
    const asked = async (wanted: Parameters<Authority['issue']>[0]) => {
      const client = await SocketClient.connect(address, { ca, ...pair(authority.issue(wanted)) });
      await client.ok('session.auth', {});
      // What is asked by a client stands in the agent's own words.
      await client.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
      const { params } = await agent.until(() => agent.frames.findLast(({ method }) => method === 'agent.chat'));
      agent.frames.splice(0);
      return params.context.principal;
    };
    expect(await asked({ name: 'ada' })).toEqual({ tenant: 'default', sub: 'ada', name: 'ada' });
    const uri = 'spiffe://example/grace';
    expect(await asked({ name: 'g', names: [`URI:${uri}`, 'DNS:x'] })).toEqual({
      tenant: 'default',
      sub: uri,
      name: 'g',
    });
  });

  test('and whose name is that of the daemon’s own or an agent’s, or two names, or none › is nobody', async () => {
    const { authority, address, ca } = await startAsking('request');
    for (const wanted of [
      { name: 'local' },
      { name: 'agent:echo' },
      { names: ['URI:agent:echo'] },
      { name: 'ada', names: ['URI:a:1', 'URI:a:2'] },
      { names: ['DNS:x'] },
    ]) {
      const client = await SocketClient.connect(address, { ca, ...pair(authority.issue(wanted)) });
      expect((await client.call('session.auth', {})).error, JSON.stringify(wanted)).toMatchObject({
        code: -32603,
        message: 'auth failed: token mismatch',
      });
      expect((await client.call('session.auth', { host_token: '' })).error).toMatchObject({ code: -32603 });
    }
  });

  test('a token that is sent decides, whatever the certificate says', async () => {
    const { authority, broker, address, ca } = await startAsking('request', { agentSan: 'switchboard:agent:' });
    const shown = pair(authority.issue({ names: ['URI:switchboard:agent:echo'] }));
    const client = await SocketClient.connect(address, { ca, ...shown });
    expect((await client.call('session.auth', { agent_id: 'echo', token: 'wrong' })).error.code).toBe(-32603);
    const manager = await SocketClient.connect(address, { ca, ...shown });
    expect(await manager.ok('session.auth', { host_token: broker.tokens.host })).toMatchObject({ role: 'host' });
  });

  test('an embedder’s function says who a certificate is that binds no agent', async () => {
    const seen: unknown[] = [];
    const auth: BrokerOptions['auth'] = ({ certificate }) => {
      seen.push(certificate);
      return certificate?.commonName === 'ada' && { sub: 'user-1', tenant: 'acme' };
    };
    const { authority, address, ca } = await startAsking('request', {}, { auth });
    const come = async (name: string) => {
      const shown = authority.issue({ name, names: ['URI:x:1'] });
      const client = await SocketClient.connect(address, { ca, ...pair(shown) });
      return (await client.call('session.auth', {})).error?.code;
    };
    expect([await come('ada'), await come('eve')]).toEqual([undefined, -32603]);
    expect(seen).toEqual(['ada', 'eve'].map((commonName) => ({ commonName, uris: ['x:1'], agentIds: [] })));
  });
});

describe('a certificate for an agent', () => {
  const bound = { agentSan: 'switchboard:agent:' };

  test('is that agent without a token, and no other, and no client', async () => {
    const { authority, broker, address, ca } = await startAsking('require', bound);
    const shown = pair(authority.issue({ name: 'ada', names: ['URI:switchboard:agent:writer'] }));
    const come = async (params: object) => {
      const client = await SocketClient.connect(address, { ca, ...shown });
      return { client, answer: await client.call('session.auth', params) };
    };
    const agent = await come({ agent_id: 'writer' });
    expect(agent.answer.result).toMatchObject({ ok: true, agent_id: 'writer' });
    const manager = await SocketClient.host(broker, address, { ca, ...shown });
    expect(await manager.ok('agents.list')).toMatchObject([{ spec: { id: 'writer' }, attached: true }]);
    broker.upsertAgent({ id: 'other' });
    for (const params of [{ agent_id: 'other' }, { agent_id: 'writer2' }, { agent_id: 'ada' }, {}])
      expect((await come(params)).answer.error).toMatchObject({ code: -32603 });
    // An SDK that has no token sends an empty one; and a newer connection takes over.
    expect((await come({ agent_id: 'writer', token: '' })).answer.result).toMatchObject({ agent_id: 'writer' });
    expect(await agent.client.closed).toBe(4409);
  });

  test('may be for several, and each has to be named', async () => {
    const { authority, address, ca } = await startAsking('require', bound);
    const names = ['URI:switchboard:agent:a', 'URI:switchboard:agent:b', 'URI:switchboard:agent:not/one'];
    const shown = pair(authority.issue({ names }));
    const come = async (agentId: string) => {
      const client = await SocketClient.connect(address, { ca, ...shown });
      return (await client.call('session.auth', { agent_id: agentId })).result?.agent_id;
    };
    expect([await come('a'), await come('b'), await come('c')]).toEqual(['a', 'b', undefined]);
  });

  test('is none where the port binds none, or the name stands elsewhere', async () => {
    const { authority, address, ca } = await startAsking('require', bound);
    for (const wanted of [
      { name: 'switchboard:agent:writer' },
      { names: ['DNS:switchboard-agent-writer'] },
      { names: ['URI:other:agent:writer'] },
      { name: 'x', names: ['email:a@switchboard'] },
      // Names that would read as several, were they not quoted.
      { names: ['DNS:x, URI:switchboard:agent:writer, DNS:y'] },
      { names: ['DNS:x, URI:switchboard:agent:writer'] },
      { names: ['URI:x:y, URI:switchboard:agent:writer'] },
      { names: ['DNS:x", URI:switchboard:agent:writer, DNS:"'] },
      { name: 'x, URI:switchboard:agent:writer' },
      { names: ['URI:switchboard:agent:writer, DNS:x'] },
    ]) {
      const client = await SocketClient.connect(address, { ca, ...pair(authority.issue(wanted)) });
      expect((await client.call('session.auth', { agent_id: 'writer' })).error).toMatchObject({ code: -32603 });
    }
  });
});
