import { expect, test } from 'vitest';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { pending, subscribe } from '../../support/tool-scene.ts';

const KIB = 1024;
const MOST = 768 * KIB;
const text = (kib: number) => 'x'.repeat(kib * KIB - 100);

/** What an answer has in bytes, its frame included. */
async function answer(client: LinkedClient, method: string, params: object = {}) {
  const frame = await client.call(method, params);
  return { ...frame.result, bytes: Buffer.byteLength(JSON.stringify(frame)) };
}

const sequences = (events: Message[]): number[] => events.map(({ sequence }) => sequence);

test('host.events › when they are more than fits › then the newest are sent, it is said, and the others can be paged back to', async () => {
  const linked = startLinked();
  const host = await linked.host();
  for (let n = 0; n < 40; n += 1) await host.ok('host.notify', { payload: text(60) });
  const last = await answer(host, 'host.events', { limit: 500 });
  expect(last).toMatchObject({ truncated: true });
  expect(last.bytes).toBeLessThanOrEqual(MOST);
  expect(last.bytes).toBeGreaterThan(MOST - 65 * KIB);
  const seen = sequences(last.events);
  expect(seen.at(-1)).toBe(40);
  let pages = 1;
  for (let page = last; page.truncated; pages += 1) {
    page = await answer(host, 'host.events', { limit: 500, before: seen[0] });
    seen.unshift(...sequences(page.events));
  }
  expect(seen).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
  expect(pages).toBeGreaterThan(2);
  expect((await answer(host, 'host.events', { limit: 2, before: 10 })).events).toMatchObject([
    { sequence: 8 },
    { sequence: 9 },
  ]);
  expect(await answer(host, 'host.events', { limit: 2 })).not.toHaveProperty('truncated');
});

test('host.approvals and host.subscribe › when there is more than fits › then what waits for an answer is there first', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const raise = (action: string) => host.ok('host.request_approval', { action, details: { text: text(60) } });
  const waiting = await raise('oldest of all');
  for (let n = 0; n < 20; n += 1) {
    const { id } = await raise(`row ${n}`);
    await host.ok('host.resolve_approval', { approval_id: id, resolution: 'deny' });
  }
  const rows = await answer(host, 'host.approvals');
  expect(rows.truncated).toBe(true);
  expect(rows.bytes).toBeLessThanOrEqual(MOST);
  // As ever: resolved ones, the oldest first, and then the pending ones.
  expect(rows.approvals.at(-1)).toMatchObject({ id: waiting.id, status: 'pending' });
  expect(rows.approvals.at(-2)).toMatchObject({ action: 'row 19', status: 'denied' });

  await host.ok('server.handshake', { protocol_version: 3 });
  const snapshot = await answer(host, 'host.subscribe');
  expect(snapshot).toMatchObject({ subscribed: true, truncated: true, devices: [], identity: { pid: process.pid } });
  expect(snapshot.bytes).toBeLessThanOrEqual(MOST);
  expect(snapshot.approvals.at(-1)).toMatchObject({ id: waiting.id });
  // Both get their share.
  expect(snapshot.approvals.at(-2)).toMatchObject({ action: 'row 19' });
  expect(snapshot.events.at(-1).sequence).toBe(snapshot.event_sequence);
  expect(snapshot.events.length).toBeGreaterThan(3);
});

test('host.event › when many subscribe › then it is put together once for all who see the same', async () => {
  const linked = startLinked();
  const clients = await Promise.all(Array.from({ length: 10 }, () => linked.host()));
  // Of the management role, which sees all that the turn's own host sees.
  const manager = await linked.manager();
  for (const client of [...clients, manager]) await subscribe(client);
  const agent = await linked.agent('echo');
  const [host, other] = clients as [LinkedClient, LinkedClient];
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const writings: string[] = [];
  const { stringify } = JSON;
  JSON.stringify = ((value: { kind?: string }, ...rest: []) => {
    if (value?.kind?.startsWith('approval.')) writings.push(value.kind);
    return stringify(value, ...rest);
  }) as typeof stringify;
  try {
    agent.emit('s', pending('a'));
    await settle();
  } finally {
    JSON.stringify = stringify;
  }
  // Once for the two who see what is asked, and once for the nine others.
  expect(writings.filter((kind) => kind === 'approval.requested')).toHaveLength(2);
  const asked = (client: LinkedClient) =>
    client.received('host.event').find(({ params }) => params.kind === 'approval.requested')?.params;
  expect(asked(host).payload.details).toHaveProperty('params');
  expect(asked(manager)).toEqual(asked(host));
  expect(asked(other).payload.details).not.toHaveProperty('params');
  for (const client of clients.slice(2)) expect(asked(client)).toEqual(asked(other));
});
