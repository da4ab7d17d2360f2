import { afterEach, describe, expect, test } from 'vitest';
import { AudioFrameType } from '../../../protocol/audio-frame.ts';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { base64, frameOf, hexId, pcm, SOURCE, voiceEvents } from '../../support/voice.ts';
import { arrive, ask, enter, type Member, startCluster } from './support/brokers.ts';

/* Voice, whose provider is attached to another broker than its client. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

/** A client at the first broker, and an agent that does all of voice at the second. */
async function apart(options = {}) {
  cluster = await startCluster(['a', 'b', 'c'], options);
  const [a, b, c] = cluster.members as [Member, Member, Member];
  const manager = await a.manager();
  const capabilities = ['voice.transcribe', 'voice.speak'];
  const { token } = (await ask(manager, 'agents.upsert', { id: 'ear', capabilities })).result;
  const ear = await enter(b, { agent_id: 'ear', token });
  await arrive();
  return { a, b, c, ear, manager, host: await a.host() };
}

/** Asks for a stream, and has its provider accept. */
async function start(host: LinkedClient, ear: LinkedClient, method: string, params: Message): Promise<string> {
  const id = host.post(method, params);
  await arrive();
  const asked = ear.frames.filter(({ method }) => /^voice[.](transcribe|speak)[.]start$/.test(method)).at(-1);
  ear.answer(asked, { accepted: true });
  await arrive();
  expect(host.replyTo(id)).toMatchObject({ result: { provider: 'ear' } });
  return asked.params.stream_id;
}

const transcribe = (host: LinkedClient, ear: LinkedClient, session_id: string, options = {}) =>
  start(host, ear, 'voice.transcribe_stream.start', { session_id, audio_source: SOURCE, ...options });

describe('a transcription', () => {
  test.each([{}, { options: { provider: 'ear' } }])('is done by a provider at another broker', async (options) => {
    const { host, ear } = await apart();
    const session = hexId(7);
    const stream_id = await transcribe(host, ear, session, options);
    host.sendBinary(frameOf('AudioIn', session, pcm(1, 2)));
    const pushed = await ask(host, 'voice.transcribe_stream.push', { session_id: session, pcm_b64: base64(pcm(3)) });
    expect(pushed.result).toEqual({ received: 2 });
    expect(ear.binaries.map((frame) => [frame?.streamId, frame?.seq, [...(frame?.payload ?? [])]])).toEqual([
      [stream_id, 0n, [...pcm(1, 2)]],
      [stream_id, 1n, [...pcm(3)]],
    ]);
    ear.notify('voice.event', { stream_id, type: 'partial', text: 'he' });
    ear.notify('voice.event', { stream_id, type: 'final', text: 'hello', start_ms: 0, end_ms: 10 });
    await arrive();
    expect(voiceEvents(host)).toMatchObject([
      { session_id: session, type: 'partial', text: 'he' },
      { session_id: session, type: 'final', text: 'hello' },
    ]);
    const stop = host.post('voice.transcribe_stream.stop', { session_id: session });
    await arrive();
    expect(ear.received('voice.transcribe.stop').at(-1).params).toMatchObject({ stream_id, reason: 'client_stopped' });
    ear.notify('voice.event', { stream_id, type: 'ended' });
    await arrive();
    expect(host.replyTo(stop).result).toMatchObject({ transcript: 'hello', segments: [{ text: 'hello' }] });
  });

  test('whose provider refuses is refused; and one that is no provider is none', async () => {
    const { host, ear, manager, b } = await apart();
    const id = host.post('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
    await arrive();
    const asked = ear.received('voice.transcribe.start').at(-1);
    ear.send({ jsonrpc: '2.0', id: asked.id, error: { code: -1, message: 'busy' } });
    await arrive();
    expect(host.replyTo(id).error).toMatchObject({ code: -32012, data: { agent_error: { message: 'busy' } } });
    const politely = host.post('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
    await arrive();
    ear.answer(ear.received('voice.transcribe.start').at(-1), { accepted: false });
    await arrive();
    expect(host.replyTo(politely).error).toMatchObject({ code: -32012 });
    // Nothing of either is left there.
    const streams = (await ask(manager, 'voice.providers.list')).result.map((row: Message) => row.streams);
    expect(streams).toEqual([0, 0]);
    const { token } = (await ask(manager, 'agents.upsert', { id: 'bot' })).result;
    await enter(b, { agent_id: 'bot', token });
    await arrive();
    const named = { session_id: 's', audio_source: SOURCE, options: { provider: 'bot' } };
    expect((await ask(host, 'voice.transcribe_stream.start', named)).error).toMatchObject({ code: -32011 });
  });

  test('ends when its provider goes, and for its provider when its client does', async () => {
    const { host, ear, a } = await apart();
    await transcribe(host, ear, 's');
    const other = await a.host();
    const stream_id = await transcribe(other, ear, 't');
    other.cut();
    await arrive();
    expect(ear.received('voice.transcribe.stop').at(-1).params).toMatchObject({
      stream_id,
      reason: 'client_disconnected',
    });
    ear.cut();
    await arrive();
    expect(voiceEvents(host)).toMatchObject([{ type: 'error', code: 'provider_disconnected' }, { type: 'ended' }]);
  });

  test('ends for both when the link between them is lost', async () => {
    const { host, ear } = await apart();
    const stream_id = await transcribe(host, ear, 's');
    cluster.net.silent.add('b');
    await cluster.pass(12);
    expect(voiceEvents(host)).toMatchObject([{ type: 'error', code: 'provider_disconnected' }, { type: 'ended' }]);
    cluster.net.silent.delete('b');
    await cluster.pass(3);
    expect(ear.received('voice.transcribe.stop').at(-1).params.stream_id).toBe(stream_id);
  });

  test('waits for no more audio than may, and goes on when that was taken', async () => {
    const { host, ear } = await apart({ limits: { maxWaitingAudioBytes: 1_000 } });
    const session = hexId(1);
    await transcribe(host, ear, session);
    const push = (bytes: number) =>
      host.post('voice.transcribe_stream.push', { session_id: session, pcm_b64: base64(new Uint8Array(bytes)) });
    const [first, second] = [push(800), push(800)];
    await arrive();
    expect(host.replyTo(first).result).toEqual({ received: 800 });
    expect(host.replyTo(second).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_waiting_audio_bytes' } },
    });
    const third = push(800);
    await arrive();
    expect(host.replyTo(third).result).toEqual({ received: 800 });
  });
});

describe('speech', () => {
  test.each([false, true])('comes from a provider at another broker; as binary frames: %s', async (binary_frames) => {
    const { host, ear } = await apart();
    const speech = hexId(9);
    const options = { binary_frames, voice_id: 'v' };
    const stream_id = await start(host, ear, 'voice.tts_stream.start', { stream_id: speech, text: 'hi', options });
    expect(ear.received('voice.speak.start').at(-1).params).toMatchObject({ text: 'hi', voice_id: 'v' });
    ear.sendBinary(frameOf('AudioOut', stream_id, pcm(5, 6)));
    ear.sendBinary(frameOf('End', stream_id));
    await arrive();
    if (binary_frames)
      expect(host.binaries.map((frame) => [frame?.type, frame?.streamId, [...(frame?.payload ?? [])]])).toEqual([
        [AudioFrameType.AudioOut, speech, [...pcm(5, 6)]],
        [AudioFrameType.End, speech, []],
      ]);
    else
      expect(voiceEvents(host)).toMatchObject([
        { stream_id: speech, type: 'tts_chunk', audio_b64: base64(pcm(5, 6)), is_final: false },
        { type: 'tts_chunk', is_final: true },
        { type: 'ended' },
      ]);
  });

  test('is cancelled by its client, and by a manager of another broker', async () => {
    const { host, ear, c } = await apart();
    const said = { text: 'hi' };
    const first = await start(host, ear, 'voice.tts_stream.start', { stream_id: 'one', ...said });
    const second = await start(host, ear, 'voice.tts_stream.start', { stream_id: 'two', ...said });
    const manager = await c.manager();
    expect((await ask(manager, 'voice.tts_stream.list')).result.streams).toHaveLength(2);
    const cancel = 'voice.tts_stream.cancel';
    expect((await ask(host, cancel, { stream_id: 'one' })).result).toEqual({ stream_id: 'one', cancelled: true });
    expect((await ask(manager, cancel, { stream_id: 'two' })).result).toEqual({ stream_id: 'two', cancelled: true });
    expect((await ask(manager, cancel, { stream_id: 'two' })).result).toEqual({ stream_id: 'two', cancelled: false });
    expect(ear.received('voice.speak.cancel').map(({ params }) => params.stream_id)).toEqual([first, second]);
    expect((await ask(manager, 'voice.tts_stream.list')).result.streams).toEqual([]);
  });

  test('that is too much for the link ends alone', async () => {
    const { host, ear } = await apart();
    const stream_id = await start(host, ear, 'voice.tts_stream.start', { stream_id: 'one', text: 'hi' });
    const second = await start(host, ear, 'voice.tts_stream.start', { stream_id: 'two', text: 'hi' });
    // What its client's broker has to say of it comes later.
    const letGo = cluster.net.hold('a', 'b');
    for (let times = 0; times < 2; times += 1)
      ear.sendBinary(frameOf('AudioOut', stream_id, new Uint8Array(7 * 1024 * 1024)));
    ear.sendBinary(frameOf('AudioOut', second, pcm(1)));
    await arrive();
    const cancelled = () => ear.received('voice.speak.cancel').map(({ params }) => [params.stream_id, params.reason]);
    expect(cancelled()).toEqual([[stream_id, 'slow_consumer']]);
    letGo();
    await arrive();
    expect(cancelled()).toHaveLength(1);
    expect(voiceEvents(host)).toMatchObject([
      { stream_id: 'one', type: 'error', code: 'slow_consumer' },
      { stream_id: 'one', type: 'ended' },
      { stream_id: 'two', type: 'tts_chunk' },
    ]);
  });
});

test('who would do it is said at every broker, and what is done is listed for managers of all', async () => {
  const { a, b, c, host, ear } = await apart();
  await transcribe(host, ear, 's');
  for (const member of [a, b, c]) {
    const client = await member.manager();
    const providers = (await ask(client, 'voice.providers.list')).result;
    expect(providers.map(({ id, kind, streams }: Message) => [id, kind, streams]).sort()).toEqual([
      ['ear', 'stt', 1],
      ['ear', 'tts', 0],
    ]);
    expect((await ask(client, 'voice.sessions.list')).result).toMatchObject([{ session_id: 's', provider: 'ear' }]);
  }
  const manager = await c.manager();
  const stop = manager.post('voice.transcribe_stream.stop', { session_id: 's' });
  await arrive();
  ear.notify('voice.event', {
    stream_id: ear.received('voice.transcribe.stop').at(-1).params.stream_id,
    type: 'ended',
  });
  await arrive();
  expect(manager.replyTo(stop).result).toMatchObject({ session_id: 's', transcript: '' });
});
