import { describe, expect, test } from 'vitest';
import type { LocalVoice } from '../../../broker.ts';
import { settle, startLinked } from '../../support/linked.ts';
import { base64, frameOf, hexId, pcm, provider, SOURCE, voiceEvents } from '../../support/voice.ts';

/* The embedder's own voice provider: `createBroker({ voice })`. */

const fails = () => {
  throw new Error('not me');
};

const counting: LocalVoice = {
  async *transcribe({ audio, sampleRate, channels }) {
    let bytes = 0;
    for await (const piece of audio) {
      bytes += piece.length;
      yield { type: 'partial', text: `${bytes}` };
    }
    yield { type: 'final', text: `${bytes} bytes, ${sampleRate} Hz, ${channels}` };
  },
  async *speak({ text, voiceId }) {
    for (const word of text.split(' ')) yield { format: 'pcm', audio: Buffer.from(`${voiceId}:${word}`) };
  },
};

const cycle: Record<string, unknown> = {};
cycle.itself = cycle;

describe('a voice provider of the embedder’s', () => {
  test('when no other is named › then it is chosen before any agent, and transcribes', async () => {
    const linked = startLinked({ voice: counting });
    await provider(linked, 'aaa', 'voice.transcribe');
    const host = await linked.host();
    const start = { session_id: hexId(1), audio_source: SOURCE };
    expect(await host.ok('voice.transcribe_stream.start', start)).toMatchObject({ provider: 'local' });
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1, 2)));
    await host.ok('voice.transcribe_stream.push', { session_id: hexId(1), pcm_b64: base64(pcm(3)) });
    expect((await host.ok('voice.transcribe_stream.stop', { session_id: hexId(1) })).transcript).toBe(
      '6 bytes, 16000 Hz, 1',
    );
    expect(voiceEvents(host).map(({ type, text }) => text ?? type)).toEqual([
      ...['4', '6', '6 bytes, 16000 Hz, 1', 'ended'],
    ]);
    expect(await host.ok('voice.providers.list')).toMatchObject([
      { id: 'local', kind: 'stt', available: true, streams: 0 },
      { id: 'aaa', kind: 'stt', available: true, streams: 0 },
      { id: 'local', kind: 'tts', available: true, streams: 0 },
    ]);
  });

  test('when it speaks › then its pieces reach the client, and the last one says so', async () => {
    const host = await startLinked({ voice: counting }).host();
    const options = { provider: 'local', voice_id: 'v' };
    await host.ok('voice.tts_stream.start', { stream_id: 's', text: 'a b', options });
    await settle();
    expect(voiceEvents(host)).toMatchObject([
      { seq: 0, audio_b64: base64(Buffer.from('v:a')), format: 'pcm', is_final: false },
      { seq: 1, audio_b64: base64(Buffer.from('v:b')), format: 'pcm', is_final: false },
      { seq: 2, audio_b64: '', is_final: true },
      { type: 'ended' },
    ]);
  });

  test('when it throws, or yields what is none › then that stream fails, and its words stay in the log', async () => {
    const logged: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => logged.push(fields) };
    const voice: LocalVoice = {
      // biome-ignore lint/correctness/useYield: it fails before it has anything to say
      async *transcribe() {
        throw new Error('the password is hunter2');
      },
      async *speak() {
        yield { format: 'ogg' } as never;
      },
    };
    const host = await startLinked({ voice, log }).host();
    await host.ok('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
    await host.ok('voice.tts_stream.start', { stream_id: 't', text: 'a' });
    await settle();
    expect(voiceEvents(host).map(({ type, message }) => message ?? type)).toEqual([
      ...['the provider failed', 'ended', 'the provider failed', 'ended'],
    ]);
    expect(logged).toHaveLength(2);
    expect(JSON.stringify(host.frames)).not.toContain('hunter2');
  });

  test.each([
    ['cannot be written as JSON', { type: 'final', text: 'x', extra: cycle }],
    ['throws when it is written', { type: 'partial', text: 'x', extra: { toJSON: fails } }],
    ['says that it ended, before it has', { type: 'ended' }],
    ['is of no kind of its', { type: 'weather', text: 'fair' }],
  ])('when it yields what %s › then that stream fails, once, and the connection stays', async (_name, part) => {
    const logged: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => logged.push(fields) };
    const voice: LocalVoice = {
      async *transcribe({ signal }) {
        yield part as never;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const host = await startLinked({ voice, log }).host();
    await host.ok('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
    await settle();
    expect(voiceEvents(host)).toMatchObject([
      { type: 'error', code: 'provider_failed', message: 'the provider failed' },
      { type: 'ended' },
    ]);
    expect(logged).toHaveLength(1);
    expect(await host.ok('voice.sessions.list')).toEqual([]);
  });

  test('when it yields a bigint › then its client gets an integer, digit for digit', async () => {
    const voice: LocalVoice = {
      async *transcribe() {
        yield { type: 'final', text: 'x', extra: 12345678901234567890n } as never;
      },
    };
    const { broker } = startLinked({ voice });
    const link = broker.connect();
    const texts: string[] = [];
    link.open({ text: (data) => texts.push(data), binary() {}, closed() {} });
    const call = (id: number, method: string, params: object) =>
      link.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    call(1, 'session.auth', { token: broker.tokens.daemon });
    await settle();
    call(2, 'voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
    await settle();
    expect(texts.join()).toContain('"extra":12345678901234567890');
  });

  test('when its client goes › then its signal aborts', async () => {
    let reason: unknown;
    const voice: LocalVoice = {
      async *speak({ signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reason = signal.reason;
        yield { format: 'pcm', audio: pcm(1) };
      },
    };
    const linked = startLinked({ voice });
    const host = await linked.host();
    await host.ok('voice.tts_stream.start', { stream_id: 's', text: 'a' });
    expect(
      (await host.call('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE })).error.code,
    ).toBe(-32011);
    host.close();
    await settle();
    expect(reason).toBe('client_disconnected');
  });

  test('when it does not read › then a push beyond the limit is refused, and a frame dropped', async () => {
    const voice: LocalVoice = {
      async *transcribe({ signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const linked = startLinked({ voice, limits: { maxWaitingAudioBytes: 8 } });
    const host = await linked.host();
    await host.ok('voice.transcribe_stream.start', { session_id: hexId(1), audio_source: SOURCE });
    const push = { session_id: hexId(1), pcm_b64: base64(pcm(1, 2, 3)) };
    expect(await host.ok('voice.transcribe_stream.push', push)).toEqual({ received: 6 });
    expect((await host.call('voice.transcribe_stream.push', push)).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_waiting_audio_bytes', value: 8 }, retry_after_ms: expect.any(Number) },
    });
    // What is larger than all that may wait will never fit: to try again is no use.
    const huge = await host.call('voice.transcribe_stream.push', { ...push, pcm_b64: base64(new Uint8Array(10)) });
    expect(huge.error).toMatchObject({ code: -32020, data: { limit: { name: 'max_waiting_audio_bytes' } } });
    expect(huge.error.data.retry_after_ms).toBeUndefined();
    for (const _ of [1, 2, 3]) host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1, 2)));
    await settle();
    // Once for the gap, not for each frame.
    expect(voiceEvents(host)).toMatchObject([{ type: 'error', code: 'audio_overflow', synthesized: true }]);
  });
});

describe('voice limits', () => {
  test('when a connection has as many streams as it may › then one more is refused, and after one ended not', async () => {
    const linked = startLinked({ voice: counting, limits: { maxVoiceStreams: 2 } });
    const host = await linked.host();
    const start = (session_id: string) =>
      host.call('voice.transcribe_stream.start', { session_id, audio_source: SOURCE });
    await start('a');
    await start('b');
    expect((await start('c')).error).toMatchObject({ code: -32020, data: { limit: { name: 'max_voice_streams' } } });
    expect((await linked.host()).closed).toBeUndefined();
    await host.ok('voice.transcribe_stream.stop', { session_id: 'a' });
    expect((await start('c')).result).toMatchObject({ status: 'running' });
  });

  test('when a text is too long › then it is refused', async () => {
    const host = await startLinked({ voice: counting, limits: { maxSpeechBytes: 4 } }).host();
    const start = (text: string) => host.call('voice.tts_stream.start', { stream_id: 's', text });
    expect((await start('ééé')).error).toMatchObject({ code: -32020, data: { limit: { name: 'max_speech_bytes' } } });
    expect((await start('éé')).result).toBeDefined();
  });

  test('when a transcript grows too large › then the oldest segments go, and the answer says so', async () => {
    const voice: LocalVoice = {
      async *transcribe() {
        for (const text of ['one', 'two', 'three']) yield { type: 'final', text };
      },
    };
    const host = await startLinked({ voice, limits: { maxTranscriptBytes: 32 } }).host();
    host.post('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE });
    expect(await host.ok('voice.transcribe_stream.stop', { session_id: 's' })).toEqual({
      session_id: 's',
      transcript: 'two three',
      segments: [{ text: 'two' }, { text: 'three' }],
      truncated: true,
    });
    expect(voiceEvents(host)).toHaveLength(4);
  });
});
