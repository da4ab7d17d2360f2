import { beforeEach, describe, expect, test } from 'vitest';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { base64, frameOf, hexId, pcm, provider, SOURCE, speak, transcribe, voiceEvents } from '../../support/voice.ts';

/* How voice streams end (`wire.md` section 11): whichever side goes, the other is told, and the last is `ended`. */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;
beforeEach(async () => {
  linked = startLinked();
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe', 'voice.speak');
});

const STOP = 'voice.transcribe_stream.stop';
const says = (stream_id: string, event: object) => ear.notify('voice.event', { stream_id, ...event });
const lastStop = () => ear.received('voice.transcribe.stop').at(-1);
const types = () => voiceEvents(host).map(({ type, code }) => (code ? `${type} ${code}` : type));
const sessions = async () => (await linked.manager()).ok('voice.sessions.list');

/** A transcription with one final, and a stop on its way. */
async function stopping(): Promise<{ stream: string; id: number }> {
  const stream = await transcribe(host, ear, 's');
  says(stream, { type: 'final', text: 'hello', start_ms: 0, end_ms: 5, extra: 1 });
  const id = host.post(STOP, { session_id: 's' });
  await settle();
  expect(lastStop().params).toEqual({ stream_id: stream, reason: 'client_stopped' });
  expect(host.replyTo(id)).toBeUndefined();
  return { stream, id };
}
const TRANSCRIPT = { session_id: 's', transcript: 'hello', segments: [{ text: 'hello', start_ms: 0, end_ms: 5 }] };

describe('a transcription › when its client stops it', () => {
  test('and the provider finishes › then the answer has all finals, and comes after the last event', async () => {
    const { stream, id } = await stopping();
    says(stream, { type: 'final', text: 'world' });
    says(stream, { type: 'ended', why: 'done' });
    ear.answer(lastStop(), {});
    await settle();
    expect(host.replyTo(id).result).toEqual({
      session_id: 's',
      transcript: 'hello world',
      segments: [{ text: 'hello', start_ms: 0, end_ms: 5 }, { text: 'world' }],
    });
    expect(host.frames.at(-1)?.id).toBe(id);
    expect(voiceEvents(host).at(-1)).toEqual({ session_id: 's', type: 'ended', why: 'done' });
    expect(await sessions()).toEqual([]);
    expect((await host.call(STOP, { session_id: 's' })).error.code).toBe(-32014);
  });

  test('and the provider answers first and finishes then › then its last finals count', async () => {
    const { stream, id } = await stopping();
    ear.answer(lastStop(), {});
    await linked.advance(9_000);
    says(stream, { type: 'final', text: 'world' });
    says(stream, { type: 'ended' });
    await settle();
    expect(host.replyTo(id).result.transcript).toBe('hello world');
  });

  test('and the provider answers, but never says that it ended › then after ten seconds it has', async () => {
    const { id } = await stopping();
    ear.answer(lastStop(), {});
    await linked.advance(9_900);
    expect(host.replyTo(id)).toBeUndefined();
    await linked.advance(200);
    expect(host.replyTo(id).result).toEqual(TRANSCRIPT);
    expect(types()).toEqual(['final', 'ended']);
  });

  test('and the provider is silent › then after ten seconds there is what there is, and it may leave off', async () => {
    const { stream, id } = await stopping();
    await linked.advance(9_900);
    expect(host.replyTo(id)).toBeUndefined();
    await linked.advance(200);
    expect(host.replyTo(id).result).toEqual(TRANSCRIPT);
    expect(voiceEvents(host).at(-1)).toEqual({ session_id: 's', type: 'ended', synthesized: true });
    expect(lastStop().params).toEqual({ stream_id: stream, reason: 'timeout' });
    says(stream, { type: 'final', text: 'too late' });
    await settle();
    expect(types()).toEqual(['final', 'ended']);
  });

  test('twice › then both are answered, and audio that still comes goes nowhere', async () => {
    const stream = await transcribe(host, ear, hexId(1));
    const ids = [host.post(STOP, { session_id: hexId(1) }), host.post(STOP, { session_id: hexId(1) })];
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
    const push = { session_id: hexId(1), pcm_b64: base64(pcm(1)) };
    expect((await host.call('voice.transcribe_stream.push', push)).error.code).toBe(-32014);
    says(stream, { type: 'ended' });
    await settle();
    for (const id of ids) expect(host.replyTo(id).result).toMatchObject({ transcript: '', segments: [] });
    expect(ear.binaries).toEqual([]);
    expect(ear.received('voice.transcribe.stop')).toHaveLength(1);
  });

  test('before the provider has accepted › then the audio sent before counts, and both are answered', async () => {
    const started = host.post('voice.transcribe_stream.start', { session_id: hexId(1), audio_source: SOURCE });
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
    const stopped = host.post(STOP, { session_id: hexId(1) });
    await settle();
    expect(ear.binaries).toHaveLength(1);
    const [request] = ear.received('voice.transcribe.start');
    ear.answer(request, {});
    await settle();
    says(request.params.stream_id, { type: 'final', text: 'quick' });
    says(request.params.stream_id, { type: 'ended' });
    await settle();
    expect(host.replyTo(started).result.status).toBe('running');
    expect(host.replyTo(stopped).result.transcript).toBe('quick');
  });

  test('more often than may wait › then -32020, and those that wait are answered alike', async () => {
    const stream = await transcribe(host, ear, 's');
    const ids = Array.from({ length: 17 }, () => host.post(STOP, { session_id: 's' }));
    await settle();
    const refused = host.replyTo(ids.pop());
    expect(refused.error).toMatchObject({ code: -32020, data: { limit: { name: 'max_voice_stops', value: 16 } } });
    says(stream, { type: 'final', text: 'hello' });
    says(stream, { type: 'ended' });
    await settle();
    expect(ids.map((id) => host.replyTo(id).result.transcript)).toEqual(Array(16).fill('hello'));
  });

  test('by a binary frame › then the provider has all the time that it needs, once it has answered too', async () => {
    const stream = await transcribe(host, ear, hexId(1));
    host.sendBinary(frameOf('End', hexId(1)));
    await settle();
    ear.answer(lastStop(), {});
    await linked.advance(60_000);
    expect(lastStop().params.reason).toBe('client_stopped');
    expect(types()).toEqual([]);
    says(stream, { type: 'final', text: 'slowly' });
    says(stream, { type: 'ended' });
    await settle();
    expect(types()).toEqual(['final', 'ended']);
  });
});

describe.each([
  ['a transcription', transcribe, 'voice.transcribe.stop'],
  [
    'speech',
    (...[client, agent, stream_id]: Parameters<typeof transcribe>) => speak(client, agent, { stream_id }),
    'voice.speak.cancel',
  ],
] as const)('%s', (_kind, open, cancelled) => {
  test('when its provider disconnects › then the client is told, once', async () => {
    await open(host, ear, 's');
    ear.close();
    await settle();
    expect(types()).toEqual(['error provider_disconnected', 'ended']);
    expect(voiceEvents(host)).toMatchObject([{ synthesized: true }, { synthesized: true }]);
    expect(await sessions()).toEqual([]);
  });

  test('when its provider connects anew › then the stream ends, and the new connection may not go on with it', async () => {
    const stream = await open(host, ear, 's');
    const newer = await linked.agent('ear');
    newer.notify('voice.event', { stream_id: stream, type: 'partial', text: 'mine?' });
    await settle();
    expect(types()).toEqual(['error provider_disconnected', 'ended']);
  });

  test('when its client disconnects › then the provider is told, and its events reach nobody', async () => {
    const stream = await open(host, ear, 's');
    host.close();
    await settle();
    expect(ear.received(cancelled).map(({ params }) => params)).toEqual([
      { stream_id: stream, reason: 'client_disconnected' },
    ]);
    says(stream, { type: 'ended' });
    await settle();
    expect(voiceEvents(host)).toEqual([]);
  });

  test('when its provider fails by a binary frame › then its words reach the client', async () => {
    const stream = await open(host, ear, 's');
    ear.sendBinary(frameOf('Error', stream, Buffer.from('out of breath ✗')));
    await settle();
    expect(voiceEvents(host)).toMatchObject([
      { type: 'error', code: 'provider_failed', message: 'out of breath ✗' },
      { type: 'ended' },
    ]);
    expect(ear.received(cancelled).at(-1)?.params).toEqual({ stream_id: stream, reason: 'failed' });
  });

  test('when nothing comes from either side for a quarter of an hour › then it is swept', async () => {
    await open(host, ear, 's');
    await linked.advance(15 * 60_000 + 5_000);
    expect(types()).toEqual(['error stale', 'ended']);
  });

  test('when the broker stops › then both sides are told, and no other is opened', async () => {
    await open(host, ear, 's');
    const turnHost = await linked.host();
    turnHost.post('agents.chat', { agent_id: 'ear', prompt: 'hold the door' });
    await settle();
    ear.answer(ear.lastChat(), { accepted: true });
    await settle();
    void linked.broker.close();
    await settle();
    const start = { session_id: 't', audio_source: SOURCE };
    expect((await host.call('voice.transcribe_stream.start', start)).error.code).toBe(-32021);
    await linked.advance(10_100);
    expect(types()).toEqual(['error draining', 'ended']);
    expect(ear.received(cancelled)).toHaveLength(1);
  });
});

test('voice streams › when there were many of all kinds › then nothing of them is left', async () => {
  for (let n = 1; n <= 20; n += 1) {
    const stream = await transcribe(host, ear, hexId(n));
    says(stream, { type: n % 2 ? 'ended' : 'final', text: '' });
    if (n % 2 === 0) ear.sendBinary(frameOf('Error', stream));
    const spoken = await speak(host, ear, { stream_id: hexId(n) });
    if (n % 2) ear.sendBinary(frameOf('End', spoken));
    else await host.ok('voice.tts_stream.cancel', { stream_id: hexId(n) });
    await settle();
  }
  expect(await sessions()).toEqual([]);
  expect(await (await linked.manager()).ok('voice.tts_stream.list')).toEqual({ streams: [] });
  const lasts = voiceEvents(host).filter(({ type }: Message) => type === 'ended');
  expect(lasts).toHaveLength(40);
});

describe('a provider that behaves › what it still answers is no late response', () => {
  test('to a stop, after it has sent ended, and after its client has gone', async () => {
    const { stream } = await stopping();
    says(stream, { type: 'ended' });
    await settle();
    ear.answer(lastStop(), {});
    await transcribe(host, ear, 't');
    host.close();
    await settle();
    expect(lastStop().params.reason).toBe('client_disconnected');
    ear.answer(lastStop(), {});
    await settle();
    expect(await readDrops(linked.broker)).toEqual({});
    // Only once: whoever answers again is not expected any more.
    ear.answer(lastStop(), {});
    await settle();
    expect(await readDrops(linked.broker)).toEqual({ late_response: 1 });
  });

  test('to a start, after its first event › but an acceptance that took too long is one', async () => {
    const begin = async (session_id: string) => {
      host.post('voice.transcribe_stream.start', { session_id, audio_source: SOURCE });
      await settle();
      return ear.received('voice.transcribe.start').at(-1);
    };
    const first = await begin('s');
    says(first.params.stream_id, { type: 'partial', text: 'a' });
    ear.answer(first, { accepted: true });
    await settle();
    expect(await readDrops(linked.broker)).toEqual({});
    const second = await begin('t');
    await linked.advance(5_000);
    ear.answer(second, { accepted: true });
    await settle();
    expect(await readDrops(linked.broker)).toEqual({ late_response: 1 });
  });
});

test('the broker › when it stops › then providers hear that it is draining', async () => {
  await transcribe(host, ear, 's');
  await speak(host, ear, { stream_id: 't' });
  void linked.broker.close();
  await settle();
  const reasons = ['voice.transcribe.stop', 'voice.speak.cancel'].map(
    (method) => ear.received(method)[0].params.reason,
  );
  expect(reasons).toEqual(['draining', 'draining']);
});
