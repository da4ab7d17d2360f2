import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deferred } from '../client/real-broker.ts';
import { AcpScene } from './acp-scene.ts';

const CLOCK = { description: 'Tells the time.', parameters: { type: 'object', properties: {} } };

/** The door's address and key, as the agent was told. */
function doorOf(scene: AcpScene): { url: string; bearer: string } {
  const line = scene.heard().findLast((heard) => heard.startsWith('session/new')) ?? '';
  const [server] = JSON.parse(line.slice('session/new '.length)).mcpServers;
  return { url: server.url, bearer: server.headers[0].value };
}

describe('the tools of a host', () => {
  it('are there for an agent that asks once, while its session begins', async () => {
    const scene = await AcpScene.start({ listsOnce: true });
    await scene.host.tool('clock', CLOCK, () => 'late');
    expect(await scene.chat([['tools']], { sessionId: 'one' }).text()).toBe('["clock"]');
  });

  it('are there for the agent, and give what it can read, whatever that is', async () => {
    const scene = await AcpScene.start();
    const values = [5, [], null, 'text', { a: 1 }, { type: 'image', data: 'AAAA', mimeType: 'image/png' }];
    await scene.host.tool('value', CLOCK, (args) => values[Number(Object(args).at)]);
    await scene.host.tool('broken', CLOCK, () => {
      throw new Error('no clock');
    });
    const results = [];
    for (const at of values.keys())
      results.push(JSON.parse(await scene.chat([['tool', 'value', { at }]], { sessionId: 'one' }).text()));
    const text = (text: string) => [{ type: 'text', text }];
    expect(results).toEqual([
      { content: text('5'), structuredContent: { result: 5 } },
      { content: text('[]'), structuredContent: { result: [] } },
      { content: text('null'), structuredContent: { result: null } },
      { content: text('text'), structuredContent: { result: 'text' } },
      { content: text('{"a":1}'), structuredContent: { a: 1 } },
      {
        content: [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }],
        structuredContent: { type: 'image', mimeType: 'image/png' },
      },
    ]);
    const failed = JSON.parse(await scene.chat([['tool', 'broken', {}]], { sessionId: 'one' }).text());
    expect(failed).toMatchObject({ isError: true });
    const unknown = JSON.parse(await scene.chat([['tool', 'nothing', {}]], { sessionId: 'one' }).text());
    expect(unknown).toMatchObject({ isError: true });
  });

  it('of two hosts are kept apart, at the same time', async () => {
    const scene = await AcpScene.start();
    const other = await scene.real.host();
    const both = deferred();
    let waiting = 0;
    const tool = (whose: string) => async () => {
      // Neither answers before both were asked.
      if (++waiting === 2) both.resolve();
      await both.promise;
      return whose;
    };
    await scene.host.tool('clock', CLOCK, tool('the first’s'));
    await other.tool('clock', CLOCK, tool('the other’s'));
    const [one, two] = await Promise.all([
      scene.chat([['tool', 'clock', {}]]).text(),
      scene.chat([['tool', 'clock', {}]], {}, other).text(),
    ]);
    expect(JSON.parse(one).content[0].text).toBe('the first’s');
    expect(JSON.parse(two).content[0].text).toBe('the other’s');
  });

  it('that change between two turns › are told, and asked for before the next prompt', async () => {
    const scene = await AcpScene.start();
    const session = { sessionId: 'one' };
    await scene.host.tool('clock', CLOCK, () => 1);
    expect(await scene.chat([['tools']], session).text()).toBe('["clock"]');
    await scene.host.tool('dice', CLOCK, () => 1);
    expect(await scene.chat([['tools']], session).text()).toBe('["clock","dice"]');
    expect(scene.heard().filter((line) => line === 'tools changed').length).toBe(1);
  });

  it('tell how far they are, and are withdrawn with the call', async () => {
    const scene = await AcpScene.start();
    const stopped = deferred();
    await scene.host.tool('slow', CLOCK, async (_args, call) => {
      call.progress(3, 'three');
      call.progress(undefined, 'more');
      while (!scene.heard().includes('progress 4')) await delay(10);
    });
    await scene.host.tool('endless', CLOCK, async (_args, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      stopped.resolve();
    });
    expect(JSON.parse(await scene.chat([['progress', 'slow']]).text())).toEqual([
      [3, 'three'],
      [4, 'more'],
    ]);
    const timed = JSON.parse(await scene.chat([['tool', 'endless', {}, { timeout: 200 }]]).text());
    expect(timed.message).toContain('timed out');
    await stopped.promise;
  });

  it('end with a cancelled turn, whatever the agent does about that', async () => {
    const scene = await AcpScene.start();
    const [asked, stopped] = [deferred(), deferred()];
    await scene.host.tool('endless', CLOCK, async (_args, { signal }) => {
      asked.resolve();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      stopped.resolve();
    });
    const chat = scene.chat([['tool', 'endless', {}], ['wait']]);
    await asked.promise;
    await chat.cancel();
    await stopped.promise;
    await chat.text().catch(() => {});
  });

  it('are not offered where the operator says so, nor where there are none', async () => {
    const scene = await AcpScene.start({}, { 'no-tools': true });
    await scene.host.tool('clock', CLOCK, () => 1);
    expect(await scene.chat([['tell', 'mcpServers']]).text()).toBe('[]');
    const none = await AcpScene.start();
    expect(await none.chat([['tell', 'mcpServers']]).text()).toBe('[]');
  });
});

describe('the door to a host’s tools', () => {
  it('opens for the agent alone: not without its key, not for a page, not under another name, not once the turn is over', async () => {
    const scene = await AcpScene.start();
    await scene.host.tool('clock', CLOCK, () => 'it is late');
    await scene.chat([['tools']], { sessionId: 'one' }).text();
    const { url, bearer } = doorOf(scene);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
    expect(bearer).toMatch(/^Bearer [0-9a-f]{48}$/);
    const headers = {
      ...{ authorization: bearer, 'content-type': 'application/json' },
      accept: 'application/json, text/event-stream',
    };
    const initialize = {
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    };
    const post = async (more: Record<string, string>, body: object = initialize, to = url) => {
      const response = await fetch(to, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify(body),
      });
      return response;
    };
    expect((await post({ authorization: `${bearer.slice(0, -1)}x` })).status).toBe(401);
    expect((await post({ authorization: '' })).status).toBe(401);
    expect((await post({ origin: 'http://127.0.0.1' })).status).toBe(403);
    expect(
      (await post({}, initialize, url.replace('127.0.0.1', 'localhost')).catch(() => ({ status: 403 }))).status,
    ).toBe(403);
    expect((await post({}, initialize, `${url}0`)).status).toBe(404);
    expect((await post({}, initialize, `${url}?a`)).status).toBe(404);
    expect((await post({ 'mcp-session-id': 'unknown' }, { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(
      400,
    );
    const call = (args: object) => ({
      ...initialize,
      method: 'tools/call',
      params: { name: 'clock', arguments: args },
    });
    expect((await post({}, call({ many: Array(200_000).fill(0) }))).status).toBe(413);
    expect((await post({}, call({ long: 'x'.repeat(5 * 1024 * 1024) }))).status).toBe(413);
    let deep = {};
    for (let depth = 0; depth < 300; depth += 1) deep = { deep };
    expect((await post({}, call(deep))).status).toBe(400);
    const begun = await post({});
    expect(begun.status).toBe(200);
    const id = begun.headers.get('mcp-session-id') ?? '';
    const answer = await (await post({ 'mcp-session-id': id }, call({}))).text();
    expect(answer).toContain('no turn is running');
  });
});
