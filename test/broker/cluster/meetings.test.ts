import { afterEach, describe, expect, test } from 'vitest';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { SOURCE, voiceEvents } from '../../support/voice.ts';
import { accepting, arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

/* Meetings: the client, the provider, and whoever reads them at different brokers; the first one is home. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

async function scene() {
  cluster = await startCluster(['a', 'b', 'c']);
  const [a, b, c] = cluster.members as [Member, Member, Member];
  const manager = await a.manager();
  const upsert = async (id: string, ...capabilities: string[]) =>
    (await ask(manager, 'agents.upsert', { id, capabilities })).result.token;
  const ear = await enter(c, { agent_id: 'ear', token: await upsert('ear', 'voice.transcribe') });
  await arrive();
  return { a, b, c, ear, manager, upsert, window: await b.host() };
}

/** Starts a meeting, and gives the id that its provider knows it by. */
async function start(client: LinkedClient, ear: LinkedClient, params: Message): Promise<string> {
  const id = client.post('meeting.start', { audio_source: SOURCE, ...params });
  await arrive();
  const asked = ear.received('voice.transcribe.start').at(-1);
  ear.answer(asked, { accepted: true });
  await arrive();
  expect(client.replyTo(id)).toMatchObject({ result: { id: params.id } });
  return asked.params.stream_id;
}

async function say(ear: LinkedClient, stream_id: string, text: string): Promise<void> {
  ear.notify('voice.event', { stream_id, type: 'final', text });
  await arrive();
}

/** Stops it by whoever may, and has the provider finish. */
async function stop(client: LinkedClient, ear: LinkedClient, params: Message): Promise<Message> {
  const id = client.post('meeting.stop', params);
  await arrive();
  const { stream_id } = ear.received('voice.transcribe.stop').at(-1).params;
  ear.notify('voice.event', { stream_id, type: 'ended' });
  await arrive();
  return client.replyTo(id);
}

const listed = async (client: LinkedClient) =>
  (await ask(client, 'meeting.list')).result.meetings.map(({ id, status }: Message) => [id, status]);

describe('a meeting that runs at one broker', () => {
  test('is listed and read at each, and stopped from another one', async () => {
    const { a, b, c, ear, window } = await scene();
    const stream_id = await start(window, ear, { id: 'm', title: 'Monday' });
    await say(ear, stream_id, 'hello');
    await say(ear, stream_id, 'all');
    expect(voiceEvents(window).map(({ text }) => text)).toEqual(['hello', 'all']);
    for (const member of [a, b, c]) {
      const manager = await member.manager();
      expect(await listed(manager)).toEqual([['m', 'running']]);
      expect((await ask(manager, 'meeting.get', { meeting_id: 'm' })).result).toMatchObject({
        title: 'Monday',
        transcript: 'hello all',
      });
    }
    // It is its connection's while it runs.
    expect((await ask(await a.host(), 'meeting.get', { meeting_id: 'm' })).error.code).toBe(-32015);
    const stopped = await stop(await c.manager(), ear, { meeting_id: 'm' });
    expect(stopped.result).toMatchObject({ id: 'm', transcript: 'hello all', summary: null });
  });

  test('is kept by the home broker when it is over, though its own is gone', async () => {
    const { a, b, c, ear, window } = await scene();
    const stream_id = await start(window, ear, { id: 'm' });
    await say(ear, stream_id, 'hello');
    await stop(window, ear, { meeting_id: 'm' });
    await cluster.pass(12);
    for (const member of [a, b, c]) expect(await listed(await member.host())).toEqual([['m', 'ended']]);
    await cluster.close(b);
    for (const member of [a, c]) {
      const reader = await member.host();
      expect(await listed(reader)).toEqual([['m', 'ended']]);
      expect((await ask(reader, 'meeting.get', { meeting_id: 'm' })).result.transcript).toBe('hello');
    }
  });

  test('is kept as far as it had come where its broker dies', async () => {
    const { a, ear, window } = await scene();
    const stream_id = await start(window, ear, { id: 'm' });
    await say(ear, stream_id, 'hello');
    await cluster.pass(12);
    await say(ear, stream_id, 'lost');
    cluster.net.silent.add('b');
    await cluster.pass(12);
    const reader = await a.manager();
    expect(await listed(reader)).toEqual([['m', 'interrupted']]);
    expect((await ask(reader, 'meeting.get', { meeting_id: 'm' })).result.transcript).toBe('hello');
    // It was not dead after all: what it has is all.
    cluster.net.silent.delete('b');
    await cluster.pass(20);
    expect((await ask(reader, 'meeting.get', { meeting_id: 'm' })).result.transcript).toBe('hello lost');
    expect(await listed(reader)).toEqual([['m', 'ended']]);
  });
});

test('an id that was chosen for a meeting is that meeting’s at every broker', async () => {
  const { a, b, ear, window, manager } = await scene();
  await start(window, ear, { id: 'm' });
  const again = { audio_source: SOURCE, id: 'm' };
  expect((await ask(await a.host(), 'meeting.start', again)).error.code).toBe(-32015);
  await stop(window, ear, { meeting_id: 'm' });
  const kept = await ask(await a.host(), 'meeting.start', again);
  expect(kept.error).toMatchObject({ code: -32602, data: { issues: [{ path: 'id' }] } });
  await cluster.pass(12);
  expect((await ask(await b.host(), 'meeting.start', again)).error.code).toBe(-32602);
  // Two at once: at most one of them.
  const both = [await a.host(), await b.host()].map((host) => [
    host,
    host.post('meeting.start', { ...again, id: 'n' }),
  ]);
  await arrive();
  for (const asked of ear.received('voice.transcribe.start').slice(1)) ear.answer(asked, { accepted: true });
  await arrive();
  const answers = both.map(([host, id]) => (host as LinkedClient).replyTo(id));
  expect(answers.filter(({ result }) => result !== undefined).length).toBeLessThan(2);
  expect(answers.filter(({ error }) => error !== undefined).length).toBeGreaterThan(0);
  expect((await listed(manager)).filter(([id]: [string]) => id === 'n').length).toBeLessThan(2);
});

test('what an agent hears in a meeting it remembers wherever it is', async () => {
  const { b, c, ear, upsert } = await scene();
  const token = await upsert('bot');
  const bot = await enter(b, { agent_id: 'bot', token });
  await arrive();
  const stream_id = await start(bot, ear, { id: 'm' });
  await say(ear, stream_id, 'the sea is blue');
  await arrive();
  bot.close();
  await arrive();
  const again = await enter(c, { agent_id: 'bot', token });
  await arrive();
  const found = await ask(again, 'memory.query', { query: 'sea' });
  expect(found.result.facts).toMatchObject([{ body: 'the sea is blue', kind: 'meeting' }]);
});

test('a meeting is summarized by an agent at another broker', async () => {
  const { a, ear, upsert, window } = await scene();
  const bot = await enter(a, { agent_id: 'bot', token: await upsert('bot') });
  await arrive();
  const stream_id = await start(window, ear, { id: 'm' });
  await say(ear, stream_id, 'hello');
  const id = window.post('meeting.stop', { meeting_id: 'm', summarizer: 'bot' });
  await arrive();
  ear.notify('voice.event', { stream_id, type: 'ended' });
  const { session_id } = await accepting(bot);
  bot.emit(session_id, { kind: 'done', text: 'they said hello' });
  await arrive();
  expect(window.replyTo(id).result).toMatchObject({ transcript: 'hello', summary: 'they said hello' });
});
