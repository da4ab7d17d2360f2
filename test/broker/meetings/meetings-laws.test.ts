import { afterEach, expect, test, vi } from 'vitest';
import { MEETINGS } from '../../../actors/meetings/meetings.ts';
import { VOICE } from '../../../actors/voice/streams.ts';
import { poison, snapshotOf, startInternals, watchCharts } from '../../support/internals.ts';
import { type LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { provider, SOURCE, startMeeting, voiceEvents } from '../../support/voice.ts';

/* The laws of the design, as they hold for meetings. */

afterEach(() => {
  vi.doUnmock('../../../actors/kernel/fast-path.ts');
  vi.resetModules();
});

async function scene(begin: typeof startInternals = startInternals) {
  const internals = begin();
  const host = await internals.host();
  const ear = await internals.agent('ear');
  await ear.ok('host.register_agent', { id: 'ear', name: 'Ear', kind: 'voice', capabilities: ['voice.transcribe'] });
  /** Starts a meeting, and gives the provider's id of it. */
  const start = async (client: LinkedClient, id: string): Promise<string> => {
    client.post('meeting.start', { id, audio_source: SOURCE });
    await settle();
    const request = ear.received('voice.transcribe.start').at(-1);
    ear.answer(request, {});
    await settle();
    return request.params.stream_id;
  };
  const says = (stream_id: string, event: object) => ear.notify('voice.event', { stream_id, ...event });
  return { internals, host, ear, start, says };
}

test('law 2 › when something is said › then no chart on its way sees it', async () => {
  const { internals, host, start, says } = await scene();
  const stream = await start(host, 'm');
  const { clients } = internals.state;
  const meetings = internals.state.get(MEETINGS);
  const voice = internals.state.get(VOICE);
  const actors = [internals.root, ...[...meetings.live, ...voice, ...clients.values()].map(({ ref }) => ref)];
  const before = actors.map(snapshotOf);
  const seen = watchCharts(actors);
  says(stream, { type: 'partial', text: 'a' });
  says(stream, { type: 'final', text: 'ab' });
  await settle();
  expect(voiceEvents(host)).toHaveLength(2);
  expect(meetings.head('m')?.bytes).toBeGreaterThan(0);
  expect([...seen]).toEqual([]);
  for (const [n, actor] of actors.entries()) expect(snapshotOf(actor)).toBe(before[n]);
});

/** Something is said in every state of a meeting; what its client heard, and what was kept. */
async function play(begin: typeof startInternals): Promise<unknown> {
  const { internals, host, start, says } = await scene(begin);
  const stream = await start(host, 'm');
  says(stream, { type: 'final', text: 'one' });
  await settle();
  host.post('meeting.stop', { meeting_id: 'm' });
  await settle();
  says(stream, { type: 'final', text: 'two' });
  says(stream, { type: 'ended' });
  says(stream, { type: 'final', text: 'three' });
  await settle();
  await settle();
  const meetings = internals.state.get(MEETINGS);
  const { segments } = await meetings.read('m');
  return { heard: voiceEvents(host), kept: segments, head: meetings.head('m') };
}

test('law 2 › when the same is said with and without the fast path › then the same is heard and kept', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const fast = await play(startInternals);
    vi.resetModules();
    vi.doMock('../../../actors/kernel/fast-path.ts', async (original) => {
      const { withFastPath } = await original<typeof import('../../../actors/kernel/fast-path.ts')>();
      return { withFastPath: (machine: Parameters<typeof withFastPath>[0]) => withFastPath(machine, {}, {}) };
    });
    const slow = await play((await import('../../support/internals.ts')).startInternals);
    expect(fast).toMatchObject({ kept: [{ text: 'one' }, { text: 'two' }], head: { status: 'ended' } });
    expect(slow).toEqual(fast);
  } finally {
    vi.useRealTimers();
  }
});

test('laws 3 to 5 › when 100 meetings have ended in every way › then nothing is left of them but their records', async () => {
  const { internals, host, ear, start, says } = await scene();
  const { state } = internals;
  const rest = () => ({
    live: [...state.get(MEETINGS).live].length,
    streams: state.get(VOICE).size,
    clients: state.clients.size,
    pending: [...state.clients.values()].map(({ pendingRequests }) => pendingRequests),
    deadlines: state.deadlines.size,
    children: [...internals.state.children].length,
  });
  const before = rest();
  const once = async (n: number) => {
    const end = n % 4;
    const stream = await start(host, `m${n}`);
    says(stream, { type: 'final', text: 'a' });
    if (end === 0) says(stream, { type: 'ended' });
    else if (end === 1) {
      host.post('meeting.stop', { meeting_id: `m${n}`, summarizer: 'nobody' });
      says(stream, { type: 'ended' });
    } else if (end === 2) {
      host.post('meeting.stop', { meeting_id: `m${n}` });
      await internals.advance(10_100);
    } else {
      const other = await internals.host();
      await start(other, `other${n}`);
      other.close();
      host.post('voice.transcribe_stream.stop', { session_id: `m${n}` });
      await settle();
      says(stream, { type: 'ended' });
    }
    for (let turn = 0; turn < 3; turn += 1) await settle();
    for (const request of ear.received('voice.transcribe.stop')) ear.answer(request, {});
    ear.frames.length = 0;
  };
  for (let n = 0; n < 4; n += 1) await once(n);
  const seen = watchCharts([internals.root]);
  for (let n = 4; n < 12; n += 1) await once(n);
  const types = new Set(seen);
  for (let n = 12; n < 100; n += 1) await once(n);
  await internals.advance(1_000);
  expect(rest()).toEqual(before);
  expect(new Set(seen)).toEqual(types);
});

test('law 10 › when a meeting breaks › then its client is told, and no other notices', async () => {
  const { internals, host, start, says } = await scene();
  const other = await internals.host();
  const good = await start(other, 'good');
  const bad = await start(host, 'bad');
  const meeting = internals.state.get(MEETINGS).find('bad');
  poison(meeting as NonNullable<typeof meeting>, 'bytes');
  says(bad, { type: 'final', text: 'a' });
  await settle();
  // Not as if all was well.
  const failed = { type: 'error', code: 'internal', synthesized: true };
  expect(voiceEvents(host)).toMatchObject([{ type: 'final', text: 'a' }, failed, { type: 'ended' }]);
  expect(await host.ok('meeting.list')).toMatchObject({ meetings: [{ id: 'bad', status: 'ended' }] });
  says(good, { type: 'final', text: 'still here' });
  await settle();
  expect(await other.ok('meeting.get', { meeting_id: 'good' })).toMatchObject({ transcript: 'still here' });
  expect(internals.root.getSnapshot().value).toBe('accepting');
});

test('laws 10 and 11 › when the store throws at everything › then only what it does not keep is lost', async () => {
  const no = () => {
    throw new Error('no');
  };
  const store = { load: () => [], create() {}, append: no, read: no, remove: no };
  const linked = startLinked({ meetingStore: store, limits: { keptMeetings: 1 } });
  const host = await linked.host();
  const ear = await provider(linked, 'ear', 'voice.transcribe');
  for (const id of ['a', 'b', 'c']) {
    const stream = await startMeeting(host, ear, { id });
    ear.notify('voice.event', { stream_id: stream, type: 'final', text: id });
    const stop = host.post('meeting.stop', { meeting_id: id });
    await settle();
    ear.notify('voice.event', { stream_id: stream, type: 'ended' });
    await settle();
    await settle();
    expect(voiceEvents(host).slice(-2)).toMatchObject([{ type: 'final', text: id }, { type: 'ended' }]);
    expect(host.replyTo(stop).result).toEqual({ id, transcript: id, summary: null });
    // Nothing else has it.
    expect((await host.call('meeting.stop', { meeting_id: id })).error.code).toBe(-32603);
  }
  expect(await host.ok('agents.list')).toHaveLength(1);
  expect((await host.ok('meeting.list')).meetings).toMatchObject([{ id: 'c', status: 'ended' }]);
  // A final and an end of each, and two that could not be deleted.
  expect(await readMetric(linked.broker, 'meeting_write_failures_total')).toEqual({ '': 8 });
});

const idOf = (actor: unknown) => (actor as { id?: string } | undefined)?.id;

test('inspection › when a final is said › then whoever watches sees that the stream told the meeting', async () => {
  const { internals, host, start, says } = await scene();
  const stream = await start(host, 'm');
  const told: unknown[] = [];
  const stop = internals.inspect((seen) => {
    if (seen.type === '@xstate.event' && seen.event.type === 'meeting.heard') told.push(idOf(seen.sourceRef));
  });
  says(stream, { type: 'final', text: 'a' });
  await settle();
  stop();
  expect(told).toEqual([stream]);
});
