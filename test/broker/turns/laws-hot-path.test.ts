import { afterEach, expect, test, vi } from 'vitest';
import { TURNS } from '../../../actors/turns/turns.ts';
import type { HotEvents } from '../../../machines/hot-events.ts';
import { snapshotOf, startInternals, watchCharts } from '../../support/internals.ts';
import { type LinkedClient, type Message, openChat, settle } from '../../support/linked.ts';

/* Law 2 of the design: a token takes no step of a chart, and it makes no difference that it does not. */

afterEach(() => {
  vi.doUnmock('../../../actors/kernel/fast-path.ts');
  vi.resetModules();
});

test('law 2 › when tokens go through › then no chart on their way sees them, and no snapshot is new', async () => {
  const internals = startInternals();
  const host = await internals.host();
  const agent = await internals.agent('echo');
  for (const session_id of ['streaming', 'parked', 'cancelling']) {
    await openChat(host, agent, { agent_id: 'echo', session_id });
  }
  agent.emit('parked', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  await host.ok('agents.chat.cancel', { session_id: 'cancelling', grace_ms: 1_000 });
  const gone = await internals.host();
  await openChat(gone, agent, { agent_id: 'echo', session_id: 'detached', resume_window_ms: 60_000 });
  await host.ok('agents.chat.subscribe', { session_id: 'detached', role: 'observer', resume_token: tokenOf(gone) });
  gone.close();
  await settle();
  const { clients } = internals.state;
  const turns = internals.state.get(TURNS).byId;
  const actors = [internals.root, ...turns.values(), ...clients.values()].map((one) => ('ref' in one ? one.ref : one));
  const before = actors.map(snapshotOf);
  expect([...turns.values()].map(({ status }) => status)).toEqual(['streaming', 'parked', 'cancelling', 'detached']);
  expect(before.filter(({ value }) => typeof value === 'string').map(({ value }) => value)).toEqual([
    ...['accepting', 'ready', 'ready'],
  ]);
  const seen = watchCharts(actors);
  for (const session of ['streaming', 'parked', 'cancelling', 'detached', 'nope']) {
    agent.emit(session, { kind: 'token', delta: 'a' });
    agent.emit(session, { kind: 'mood' });
    agent.emit(session, { kind: 'token', delta: 'x', turn_id: 'other' });
  }
  await settle();
  expect(host.events()).toHaveLength(9);
  expect([...seen]).toEqual([]);
  for (const [n, actor] of actors.entries()) expect(snapshotOf(actor)).toBe(before[n]);
});

/** What resumes the last turn that a client has opened. */
const tokenOf = (client: LinkedClient): string =>
  client.frames.findLast((frame) => frame.result?.resume_token).result.resume_token;

/** The same things happen to a broker, hot events in every state; every frame that anybody got is written down. */
async function play(modules: {
  startInternals: typeof startInternals;
  openChat: typeof openChat;
  settle: typeof settle;
}): Promise<{ frames: string[]; counters: unknown }> {
  const internals = modules.startInternals();
  const host = await internals.host();
  const other = await internals.host();
  const agent = await internals.agent('echo');
  const stranger = await internals.agent('stranger');
  const heir = await internals.host();
  const say = (session: string) => {
    agent.emit(session, { kind: 'token', delta: 'a', seq: 7, synthesized: true });
    agent.emit(session, { kind: 'mood', seq_from: 1 });
    agent.emit(session, { kind: 'token' });
    agent.emit(session, { kind: 'token', delta: 'x', turn_id: 'other' });
    stranger.emit(session, { kind: 'token', delta: 'x' });
  };
  const sessions = ['dispatching', 'streaming', 'parked', 'cancelling', 'ended'];
  for (const session_id of sessions.slice(1)) await modules.openChat(host, agent, { agent_id: 'echo', session_id });
  await modules.openChat(other, agent, { agent_id: 'echo', session_id: 'other' });
  await modules.openChat(other, agent, { agent_id: 'echo', session_id: 'logged', resume_window_ms: 60_000 });
  const claim = { session_id: 'logged', resume_token: tokenOf(other) };
  await host.ok('agents.chat.subscribe', { ...claim, role: 'observer' });
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'dispatching' });
  agent.emit('parked', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
  agent.emit('ended', { kind: 'error', error: 'oh' });
  await host.ok('agents.chat.cancel', { session_id: 'cancelling', grace_ms: 30_000 });
  for (const session of [...sessions, 'other', 'logged', 'nope']) say(session);
  await modules.settle();
  agent.answer(agent.lastChat(), { accepted: true });
  for (const session of sessions) say(session);
  internals.connect().emit('streaming', { kind: 'token', delta: 'unauthenticated' });
  agent.emit('parked', { kind: 'approval_resolved', approval_id: 'a', resolution: 'approve' });
  other.close();
  say('other');
  say('logged');
  await heir.ok('agents.chat.subscribe', claim);
  say('logged');
  await internals.advance(1_000);
  internals.root.send({ type: 'broker.drain' });
  for (const session of sessions) say(session);
  agent.emit('streaming', { kind: 'done', finish_reason: 'stop' });
  say('streaming');
  await internals.advance(10_000);
  for (const session of sessions) say(session);
  await modules.settle();
  const ids = new Map<string, string>();
  const named = (text: string) =>
    text.replace(claim.resume_token, 'token').replace(/(turn|client|epoch)-[0-9a-f-]{36}/g, (id, what) => {
      const name = ids.get(id) ?? `${what}#${ids.size}`;
      ids.set(id, name);
      return name;
    });
  const frames = [host, other, agent, stranger, heir].flatMap((client, n) =>
    client.frames.map((frame: Message) => named(`${n} ${JSON.stringify(frame)}`)),
  );
  const { drops, events, endings } = internals.state.counters;
  return { frames, counters: { drops, events, endings } };
}

test('law 2 › when the same happens with and without the fast path › then everybody receives the same frames', async () => {
  const fast = await play({ startInternals, openChat, settle });
  const decorated: string[] = [];
  vi.resetModules();
  vi.doMock('../../../actors/kernel/fast-path.ts', async (original) => {
    const { withFastPath } = await original<typeof import('../../../actors/kernel/fast-path.ts')>();
    return {
      // The charts as they are drawn: no event is taken off them.
      withFastPath: (machine: Parameters<typeof withFastPath>[0], hot: HotEvents) => {
        decorated.push(...Object.keys(hot));
        return withFastPath(machine, {}, {});
      },
    };
  });
  const slow = await play({
    ...(await import('../../support/internals.ts')),
    ...(await import('../../support/linked.ts')),
  });
  // Of what comes in, the connection, the broker and whoever it is for.
  const inwards = ['chat.event', 'voice.audio', 'voice.event'].flatMap((type) => [type, type, type]);
  expect(decorated.sort()).toEqual(
    [
      ...inwards,
      ...['audio.deliver', 'chat.deliver', 'chat.frame', 'chat.token'],
      ...['meeting.heard', 'stream.chunk', 'voice.deliver'],
    ].sort(),
  );
  expect(fast.frames.length).toBeGreaterThan(50);
  expect(slow).toEqual(fast);
});
