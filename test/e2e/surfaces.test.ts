import { beforeAll, describe, expect, it } from 'vitest';
import { startA2aAgent, startServer, type TestServer, type Think } from '../support/a2a-server.ts';
import { components, create, data, text } from '../support/surfaces.ts';
import { own } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, run } from './support/program.ts';
import { subscribe } from './support/tools.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/* Surfaces between the built daemon and real A2A agents (`wire.md` section 11). */

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
});

async function use<T extends TestServer>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  own(() => server.close());
  return server;
}

const SECRET = 'sEcReT-0123456789-abcdef';
const CREDENTIALS = [
  ['none', { type: 'none' }, {}],
  ['a bearer token', { type: 'bearer', token: SECRET }, { authorization: `Bearer ${SECRET}` }],
  ['a header', { type: 'header', name: 'X-Api-Key', value: SECRET }, { 'x-api-key': SECRET }],
] as const;

/** Has a task's surface come in, as a host does that speaks with an A2A agent. */
async function ingest(host: WireClient, surfaceId: string, endpoint: string, more: object = {}): Promise<void> {
  const button = { id: 'root', component: 'Button', child: 'label', action: { event: { name: 'order' } } };
  const parts = [create(surfaceId), components(surfaceId, button, text('label', 'Order'))].map((data) => ({
    kind: 'data',
    data,
  }));
  await host.ok('a2ui.ingest', {
    payload: { kind: 'task', id: 't', artifacts: [{ artifactId: 'a', parts }] },
    owner: { kind: 'a2a', contextId: 'c-1', endpoint },
    ...more,
  });
}
const press = async (host: WireClient, surfaceId: string): Promise<Message> =>
  (await host.ok('a2ui.action', { name: 'order', surfaceId, sourceComponentId: 'root', context: { n: 2 } })).route;

/** Everything that anybody can see of the daemon, its log included. */
async function everything(host: WireClient, watcher: WireClient): Promise<string> {
  await watcher.settled();
  const asked = ['a2ui.surfaces', 'a2ui.capabilities', 'host.events', 'host.agents', 'host.approvals', 'agents.list'];
  const answers: unknown[] = [];
  for (const method of asked) answers.push(await host.ok(method, {}));
  for (const { surfaceId } of await host.ok('a2ui.surfaces')) {
    answers.push(await host.ok('a2ui.get', { surfaceId }), await host.ok('a2ui/replay', { surfaceId }));
  }
  const metrics = await daemon.get('/metrics');
  return [
    JSON.stringify(answers),
    JSON.stringify(watcher.frames),
    metrics.body,
    daemon.program.out,
    daemon.program.err,
  ].join('\n');
}

describe.each(['1.0', '0.3'] as const)('an A2A agent of %s', (generation) => {
  it.each(CREDENTIALS)(
    'with %s › gets the action, and what it answers is on the surface',
    async (_what, routeAuth, headers) => {
      const surfaceId = `order-${generation}-${routeAuth.type}`;
      const think: Think = ({ parts: [part] }) => {
        const { a2uiAction } = (part?.content?.value ?? {}) as Message;
        return { text: `ordered ${a2uiAction.context.n}`, data: [data(surfaceId, '/ordered', a2uiAction.context.n)] };
      };
      const agent = await use(startA2aAgent({ generation, think }));
      const [host, watcher] = [await daemon.host(), await daemon.host()];
      await subscribe(watcher);
      await watcher.ok('a2ui/subscribe');
      await ingest(host, surfaceId, agent.url, { routeAuth });
      expect(await press(host, surfaceId)).toMatchObject({
        status: 'sent',
        protocol: generation,
        contextId: 'c-1',
        text: 'ordered 2',
        applied: [surfaceId],
      });
      expect((await host.ok('a2ui.get', { surfaceId })).dataModel).toEqual({ ordered: 2 });
      expect(agent.messages).toMatchObject([{ contextId: 'c-1' }]);
      for (const heard of agent.heard) expect(heard.headers).toMatchObject(headers);
      await watcher.settled();
      const kinds = watcher.received('a2ui.event').map(({ params }) => params.kind);
      expect(kinds).toEqual(['a2ui.surface_updated', 'a2ui.action', 'a2ui.surface_updated']);
      expect(await everything(host, watcher)).not.toContain(SECRET);
    },
  );
});

describe('credentials', () => {
  it.each(CREDENTIALS.slice(1))(
    'of the kind %s › never travel to a redirect, nor to another surface’s endpoint',
    async (_what, routeAuth) => {
      const thief = await use(startA2aAgent());
      const redirecting = await use(
        startServer((_heard, response) => void response.writeHead(307, { location: thief.url }).end()),
      );
      const [host, watcher] = [await daemon.host(), await daemon.host()];
      await subscribe(watcher);
      await watcher.ok('a2ui/subscribe');
      await ingest(host, 'mine', redirecting.url, { routeAuth });
      await ingest(host, 'other', thief.url);
      expect(await press(host, 'mine')).toMatchObject({ status: 'failed', reason: 'redirect' });
      expect(redirecting.heard).toHaveLength(1);
      expect(thief.heard).toEqual([]);
      expect(await press(host, 'other')).toMatchObject({ status: 'sent' });
      // The first surface, moved to the thief's endpoint by somebody who does not know the credentials.
      await host.ok('a2ui.ingest', { payload: data('mine', '/', 1), endpoint: thief.url });
      expect(await press(host, 'mine')).toMatchObject({ status: 'sent' });
      expect(thief.heard).toHaveLength(2);
      expect(JSON.stringify(thief.heard)).not.toContain(SECRET);
      expect(await everything(host, watcher)).not.toContain(SECRET);
    },
  );

  it('that an agent writes back › are shown to nobody', async () => {
    const think: Think = () => ({ text: `you sent ${SECRET}`, data: [data('echoed', '/said', `Bearer ${SECRET}`)] });
    const agent = await use(startA2aAgent({ think }));
    const [host, watcher] = [await daemon.host(), await daemon.host()];
    await watcher.ok('a2ui/subscribe');
    await ingest(host, 'echoed', agent.url, { routeAuth: { type: 'bearer', token: SECRET } });
    expect(await press(host, 'echoed')).toMatchObject({ text: 'you sent [redacted]', applied: ['echoed'] });
    expect(agent.heard[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
    expect(await everything(host, watcher)).not.toContain(SECRET);
  });
});

it('the daemon › stops as ever after it has spoken to an agent', async () => {
  const other = await startDaemon();
  const agent = await use(startA2aAgent());
  const host = await other.host();
  await ingest(host, 's', agent.url);
  expect(await press(host, 's')).toMatchObject({ status: 'sent' });
  expect(await other.stop()).toEqual({ code: 0, signal: null });
});

it('switchboard surfaces › lists them, and shows one', async () => {
  const host = await daemon.host();
  await host.ok('a2ui.apply', create('listed\u001b[2J'));
  const switchboard = (...argv: string[]) => run([CLI, 'surfaces', ...argv], { SWITCHBOARD_HOME: daemon.home });
  const { code, out } = await switchboard();
  expect(code).toBe(0);
  expect(out.split('\n')[0]).toMatch(/^ID +BELONGS TO +COMPONENTS +UPDATED +ACTIONS GO TO$/);
  expect(out).toMatch(/^listed\\u001b\[2J +clients +0 +\S+ +-$/m);
  const shown = await switchboard('show', 'listed\u001b[2J');
  expect(JSON.parse(shown.out)).toMatchObject({ surfaceId: 'listed\u001b[2J', components: [] });
  expect(shown.out).not.toContain('\u001b');
  expect(await switchboard('show', 'nowhere')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no such surface'),
  });
  expect(JSON.parse((await switchboard('list', '--json')).out)).toContainEqual(
    expect.objectContaining({ surfaceId: 'listed\u001b[2J' }),
  );
});
