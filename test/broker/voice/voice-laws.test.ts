import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { voiceOf } from '../../../actors/voice/client-voice.ts';
import { VOICE } from '../../../actors/voice/streams.ts';
import { writeJson } from '../../../protocol/write-json.ts';
import { poison, snapshotOf, startInternals, watchCharts } from '../../support/internals.ts';
import { type Message, settle, startLinked } from '../../support/linked.ts';
import { readMetric, scrape } from '../../support/metrics.ts';
import { frameOf, hexId, pcm, provider, SOURCE, speak, transcribe, voiceEvents } from '../../support/voice.ts';

/* The laws of the design, as they hold for voice streams. */

afterEach(() => {
  vi.doUnmock('../../../actors/kernel/fast-path.ts');
  vi.resetModules();
});

const ROW = { kind: 'voice', capabilities: ['voice.transcribe', 'voice.speak'] };

/** A host and a provider that says of itself that it is one. */
async function scene(start: typeof startInternals = startInternals) {
  const internals = start();
  const host = await internals.host();
  const ear = await internals.agent('ear');
  await ear.ok('host.register_agent', { ...ROW, id: 'ear', name: 'Ear' });
  return { internals, host, ear };
}

test('law 2 › when audio and partials go through › then no chart on their way sees them', async () => {
  const { internals, host, ear } = await scene();
  const stream = await transcribe(host, ear, hexId(1));
  const spoken = await speak(host, ear, { stream_id: 's' });
  const { clients } = internals.state;
  const voice = internals.state.get(VOICE);
  const actors = [internals.root, ...[...voice, ...clients.values()].map(({ ref }) => ref)];
  const before = actors.map(snapshotOf);
  const seen = watchCharts(actors);
  host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
  host.sendBinary(frameOf('AudioIn', hexId(9), pcm(1)));
  ear.notify('voice.event', { stream_id: stream, type: 'partial', text: 'a' });
  ear.notify('voice.event', { stream_id: stream, type: 'final', text: 'ab' });
  ear.sendBinary(frameOf('AudioOut', spoken, pcm(1)));
  await settle();
  expect(ear.binaries).toHaveLength(1);
  expect(voiceEvents(host)).toHaveLength(3);
  expect([...seen]).toEqual([]);
  for (const [n, actor] of actors.entries()) expect(snapshotOf(actor)).toBe(before[n]);
});

/** The same happens in every state of a stream; every frame that anybody got is written down. */
async function play(start: typeof startInternals): Promise<{ frames: string[]; counters: unknown }> {
  const { internals, host, ear } = await scene(start);
  const ids = new Map<string, string>();
  const say = (stream: string) => {
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1, 2)));
    ear.notify('voice.event', { stream_id: stream, type: 'partial', text: 'a' });
    ear.notify('voice.event', { stream_id: stream, type: 'final', text: 'ab', session_id: 'x' });
    ear.notify('voice.event', { stream_id: stream, type: 'partial' });
    ear.sendBinary(frameOf('AudioOut', stream, pcm(3)));
  };
  host.post('voice.transcribe_stream.start', { session_id: hexId(1), audio_source: SOURCE });
  host.sendBinary(frameOf('AudioIn', hexId(1), pcm(0)));
  await settle();
  const [request] = ear.received('voice.transcribe.start');
  const stream = request.params.stream_id;
  say(stream);
  await settle();
  ear.answer(request, {});
  say(stream);
  host.post('voice.transcribe_stream.stop', { session_id: hexId(1) });
  await settle();
  say(stream);
  ear.notify('voice.event', { stream_id: stream, type: 'ended' });
  say(stream);
  await settle();
  for (const [n, options] of [{}, { binary_frames: true }].entries()) {
    host.post('voice.tts_stream.start', { stream_id: hexId(2 + n), text: 'a', options });
    await settle();
    const spoken = ear.received('voice.speak.start').at(-1).params.stream_id;
    say(spoken);
    await settle();
    say(spoken);
    ear.sendBinary(frameOf('End', spoken));
    say(spoken);
    await settle();
  }
  const named = (text: string) =>
    text.replace(/[0-9a-f]{32}|(client|event)-[0-9a-f-]{36}/g, (id) => {
      ids.set(id, ids.get(id) ?? `#${ids.size}`);
      return ids.get(id) ?? '';
    });
  const text = (frame: Message) =>
    named(
      JSON.stringify(frame, (key, value) =>
        key === 'updated_at' ? 0 : typeof value === 'bigint' ? `${value}` : value,
      ),
    );
  const frames = [host, ear].flatMap((client) => [...client.frames, ...client.binaries].map(text));
  const { drops } = internals.state.counters;
  const { endings, audioBytes } = internals.state.get(VOICE);
  return { frames, counters: { drops, endings, audioBytes } };
}

test('law 2 › when the same happens with and without the fast path › then everybody receives the same frames', async () => {
  const fast = await play(startInternals);
  vi.resetModules();
  vi.doMock('../../../actors/kernel/fast-path.ts', async (original) => {
    const { withFastPath } = await original<typeof import('../../../actors/kernel/fast-path.ts')>();
    return { withFastPath: (machine: Parameters<typeof withFastPath>[0]) => withFastPath(machine, {}, {}) };
  });
  const slow = await play((await import('../../support/internals.ts')).startInternals);
  expect(fast.frames.length).toBeGreaterThan(25);
  expect(slow).toEqual(fast);
});

test('laws 3 to 5 › when 500 streams have ended in every way › then nothing is left of them, nor an event type', async () => {
  const { internals, host, ear } = await scene();
  const { state } = internals;
  const rest = () => ({
    streams: state.get(VOICE).size,
    ofClients: [...state.clients.values()].map(
      (client) => voiceOf(client).streams.size + voiceOf(client).jobs.size + client.calls.size,
    ),
    deadlines: state.deadlines.size,
    children: [...internals.state.children].length,
  });
  const before = rest();
  const once = async (n: number) => {
    const stream = await transcribe(host, ear, hexId(n));
    const end = n % 5;
    if (end === 0) ear.sendBinary(frameOf('End', stream));
    else if (end === 1) ear.sendBinary(frameOf('Error', stream));
    else if (end === 2) {
      host.post('voice.transcribe_stream.stop', { session_id: hexId(n) });
      ear.notify('voice.event', { stream_id: stream, type: 'ended' });
    } else if (end === 3) {
      host.post('voice.transcribe_stream.stop', { session_id: hexId(n) });
      await internals.advance(10_100);
    } else {
      const other = await internals.host();
      await transcribe(other, ear, hexId(10_000 + n));
      other.close();
      ear.sendBinary(frameOf('End', stream));
    }
    await settle();
  };
  for (let n = 0; n < 5; n += 1) await once(n);
  const seen = watchCharts([internals.root]);
  for (let n = 5; n < 10; n += 1) await once(n);
  const types = new Set(seen);
  for (let n = 10; n < 500; n += 1) await once(n);
  expect(rest()).toEqual(before);
  expect(new Set(seen)).toEqual(types);
});

describe('law 10 › when a stream breaks', () => {
  test.each(['running', 'starting'])('while %s › then both sides are told, and no other notices', async (when) => {
    const { internals, host, ear } = await scene();
    const other = await internals.host();
    const good = await transcribe(other, ear, 'good');
    const id = host.post('voice.transcribe_stream.start', { session_id: 'bad', audio_source: SOURCE });
    await settle();
    const request = ear.received('voice.transcribe.start').at(-1);
    if (when === 'running') ear.answer(request, {});
    await settle();
    const bad = internals.state.get(VOICE).find('transcribe', 'bad');
    poison(bad as NonNullable<typeof bad>, 'lastFrameAt');
    if (when === 'starting') ear.answer(request, {});
    else ear.notify('voice.event', { stream_id: request.params.stream_id, type: 'partial', text: 'a' });
    await settle();
    if (when === 'running')
      expect(voiceEvents(host)).toMatchObject([{ type: 'error', code: 'internal' }, { type: 'ended' }]);
    else expect(host.replyTo(id).error.code).toBe(-32603);
    expect(ear.received('voice.transcribe.stop').map(({ params }) => params.reason)).toEqual(['failed']);
    ear.notify('voice.event', { stream_id: good, type: 'final', text: 'still here' });
    await settle();
    expect(voiceEvents(other)).toMatchObject([{ text: 'still here' }]);
    expect(internals.root.getSnapshot().value).toBe('accepting');
  });
});

describe('law 10 › when something breaks that a stream belongs to', () => {
  test.each(['running', 'starting'])(
    'while it is %s › then both sides are told, as of a fault of ours',
    async (when) => {
      const { internals, host, ear } = await scene();
      const id = host.post('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
      await settle();
      if (when === 'running') ear.answer(ear.received('voice.transcribe.start').at(-1), {});
      await settle();
      const { ref } = internals.state.get(VOICE).find('transcribe', 's') ?? {};
      ref?.send({ type: 'stream.fail', code: 'internal', message: 'internal error' });
      await settle();
      if (when === 'running') {
        expect(voiceEvents(host)).toEqual([
          { session_id: 's', type: 'error', code: 'internal', message: 'internal error', synthesized: true },
          { session_id: 's', type: 'ended', synthesized: true },
        ]);
      } else expect(host.replyTo(id).error.code).toBe(-32603);
      expect(ear.received('voice.transcribe.stop').map(({ params }) => params.reason)).toEqual(['failed']);
      expect(internals.state.get(VOICE).size).toBe(0);
    },
  );
});

test('inspection › when somebody looks › then a stream is seen, and every event can be written as JSON', async () => {
  const { internals, host, ear } = await scene();
  const seen = new Set<string>();
  const stop = internals.inspect((event) => {
    if (event.type !== '@xstate.event') return;
    seen.add(
      `${(event.actorRef as AnyActorRef).id === internals.state.get(VOICE).find('transcribe', hexId(1))?.providerId} ${event.event.type}`,
    );
    // What a feed does with it. Records and links are not for it.
    // Integers beyond 2^53, and a frame's 64-bit `seq`, are bigints: what writes an event for watchers knows them.
    const skipped = new Set(['from', 'asker', 'link', 'error']);
    JSON.stringify(event.event, (key, value) =>
      skipped.has(key) ? undefined : typeof value === 'bigint' ? writeJson(value) : value,
    );
  });
  const stream = await transcribe(host, ear, hexId(1));
  host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
  ear.notify('voice.event', { stream_id: stream, type: 'partial', text: 'a' });
  await settle();
  stop();
  expect([...seen]).toEqual(expect.arrayContaining(['true call.answered', 'true voice.audio', 'true voice.event']));
});

test('metrics › when streams come and go › then they are counted by kind and state', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const ear = await provider(linked, 'ear', ...ROW.capabilities);
  const stream = await transcribe(host, ear, hexId(1));
  host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1, 2, 3)));
  host.sendBinary(frameOf('AudioIn', hexId(2), pcm(1)));
  const spoken = await speak(host, ear, { stream_id: 's' });
  ear.sendBinary(frameOf('AudioOut', spoken, pcm(1)));
  ear.sendBinary(frameOf('End', spoken));
  ear.notify('voice.event', { stream_id: stream, type: 'partial' });
  await settle();
  expect(await readMetric(linked.broker, 'voice_streams_total')).toEqual({ transcribe: 1, speak: 1 });
  expect(await scrape(linked.broker)).toContain('voice_streams_ended_total{kind="speak",ending="ended"} 1\n');
  expect(await readMetric(linked.broker, 'voice_audio_bytes_total')).toEqual({ in: 6, out: 2 });
  expect(await readMetric(linked.broker, 'voice_partials_dropped_total')).toEqual({});
  expect(await readMetric(linked.broker, 'drops_total')).toEqual({ unknown_stream: 1, malformed_event: 1 });
});
