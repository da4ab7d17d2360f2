import { beforeEach, describe, expect, test } from 'vitest';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { base64, frameOf, hexId, pcm, provider, SOURCE, transcribe, voiceEvents } from '../../support/voice.ts';

/* Transcriptions (`wire.md` section 11), from the client's start to the provider's last word. */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;
beforeEach(async () => {
  linked = startLinked();
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
});

const START = 'voice.transcribe_stream.start';
const PUSH = 'voice.transcribe_stream.push';
const STOP = 'voice.transcribe_stream.stop';
const begin = (params: object = {}) => host.call(START, { session_id: 's', audio_source: SOURCE, ...params });
const says = (stream_id: string, event: object) => ear.notify('voice.event', { stream_id, ...event });

describe('a transcription › when it starts', () => {
  test('and the provider accepts › then the client is answered, and not before', async () => {
    const id = host.post(START, { session_id: 's', audio_source: { ...SOURCE, channels: 2 } });
    await settle();
    expect(host.replyTo(id)).toBeUndefined();
    const [request] = ear.received('voice.transcribe.start');
    expect(request.params).toEqual({
      stream_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      sample_rate: 16_000,
      channels: 2,
    });
    ear.answer(request, {});
    await settle();
    expect(host.replyTo(id).result).toEqual({ session_id: 's', status: 'running', provider: 'ear' });
  });

  test('and the provider sends something instead › then that says that it has accepted', async () => {
    const id = host.post(START, { session_id: 's', audio_source: SOURCE });
    await settle();
    says(ear.received('voice.transcribe.start')[0].params.stream_id, { type: 'partial', text: 'a' });
    await settle();
    expect(host.frames.slice(-2)).toMatchObject([{ id, result: { status: 'running' } }, { method: 'voice.event' }]);
  });

  test.each([
    [
      'answers with an error',
      (request: object) =>
        ear.send({ ...request, jsonrpc: '2.0', method: undefined, error: { code: 1, message: 'no' } }),
      -32012,
    ],
    ['declines', (request: object) => ear.answer(request, { accepted: false }), -32012],
    ['disconnects', () => ear.close(), -32011],
    ['is silent for five seconds', () => linked.advance(5_100), -32013],
  ])('and the provider %s › then the client is told, and nothing is left behind', async (_name, act, code) => {
    const id = host.post(START, { session_id: 's', audio_source: SOURCE });
    await settle();
    const [request] = ear.received('voice.transcribe.start');
    await act({ id: request.id });
    await settle();
    expect(host.replyTo(id).error.code).toBe(code);
    expect(await host.ok('voice.sessions.list')).toEqual([]);
    expect(voiceEvents(host)).toEqual([]);
  });

  test.each([
    ['a rate that is none', { audio_source: { ...SOURCE, sample_rate: 7_999 } }, 'audio_source.sample_rate'],
    ['three channels', { audio_source: { ...SOURCE, channels: 3 } }, 'audio_source.channels'],
    ['another kind of source', { audio_source: { ...SOURCE, kind: 'microphone' } }, 'audio_source.kind'],
    ['an id with a space', { session_id: 'a b' }, 'session_id'],
  ])('with %s › then -32602 names it', async (_name, params, path) => {
    expect((await begin(params)).error).toMatchObject({ code: -32602, data: { issues: [{ path }] } });
  });

  test('under an id that is in use › then it is busy to its client, and somebody else’s to others', async () => {
    await transcribe(host, ear, 's');
    expect((await begin()).error.code).toBe(-32010);
    const other = await linked.host();
    expect((await other.call(START, { session_id: 's', audio_source: SOURCE })).error.code).toBe(-32015);
  });
});

describe('a transcription › when its provider is chosen', () => {
  test('and none is named › then it is the first by its id that can do it', async () => {
    await provider(linked, 'aaa', 'voice.speak');
    await provider(linked, 'zzz', 'voice.transcribe');
    const dog = await provider(linked, 'dog', 'voice.transcribe', 'voice.speak');
    await transcribe(host, dog, 's');
    const row = { available: true, description: expect.any(String), streams: 0 };
    expect(await host.ok('voice.providers.list')).toEqual([
      { ...row, id: 'dog', kind: 'stt', streams: 1 },
      { ...row, id: 'ear', kind: 'stt' },
      { ...row, id: 'zzz', kind: 'stt' },
      { ...row, id: 'aaa', kind: 'tts' },
      { ...row, id: 'dog', kind: 'tts' },
    ]);
  });

  test('and one is named › then it is that one, or none', async () => {
    const dog = await provider(linked, 'dog', 'voice.transcribe');
    void begin({ options: { provider: 'ear' } });
    await settle();
    expect([ear, dog].map((agent) => agent.received('voice.transcribe.start').length)).toEqual([1, 0]);
    expect((await begin({ session_id: 't', options: { provider: 'nobody' } })).error).toMatchObject({
      code: -32011,
      data: { agent_id: 'nobody' },
    });
    await linked.agent('plain');
    for (const named of ['plain', 'local']) {
      expect((await begin({ session_id: 't', options: { provider: named } })).error.code).toBe(-32011);
    }
  });

  test('and an agent has registered itself as one › then it is, after those that the registry knows', async () => {
    const bat = await linked.agent('bat');
    const row = { id: 'bat', name: 'Bat', kind: 'voice', capabilities: ['voice.transcribe'] };
    await bat.ok('host.register_agent', row);
    await transcribe(host, ear, 's');
    expect(bat.received('voice.transcribe.start')).toEqual([]);
    const names = (await host.ok('voice.providers.list')).map(({ id }: Message) => id);
    expect(names).toEqual(['ear', 'bat']);
    ear.close();
    await settle();
    await transcribe(host, bat, 't');
    // Said by another, it counts for nothing.
    await linked.agent('cat');
    expect((await host.call('host.register_agent', { ...row, id: 'cat' })).error.code).toBe(-32015);
  });

  test('and there is none › then -32011 says what is missing', async () => {
    ear.close();
    await settle();
    expect((await begin()).error).toMatchObject({
      code: -32011,
      data: { agent_id: null, capability: 'voice.transcribe' },
    });
  });

  test('and an agent is called like the embedder’s › then it is none, and nobody takes it for that', async () => {
    ear.close();
    await provider(linked, 'local', 'voice.transcribe');
    for (const options of [undefined, { provider: 'local' }]) {
      const reply = await host.call('voice.transcribe_stream.start', {
        ...{ session_id: 's', audio_source: SOURCE },
        ...(options ? { options } : {}),
      });
      expect(reply.error).toMatchObject({ code: -32011, data: { agent_id: options ? 'local' : null } });
    }
    expect(await host.ok('voice.providers.list')).toEqual([]);
  });
});

describe('a transcription › when audio comes', () => {
  test('by requests and by binary frames › then it reaches its provider, in order', async () => {
    const stream = await transcribe(host, ear, hexId(1));
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1, 2)));
    const pushed = host.post(PUSH, { session_id: hexId(1), pcm_b64: base64(pcm(3)) });
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(4)));
    await settle();
    expect(host.replyTo(pushed).result).toEqual({ received: 2 });
    expect(ear.binaries).toEqual(
      [pcm(1, 2), pcm(3), pcm(4)].map((payload, n) => ({
        type: 1,
        streamId: stream,
        seq: BigInt(n),
        format: 'pcm',
        payload,
      })),
    );
  });

  test.each([
    ['no base64', 'a-b='],
    ['base64 that is cut off', 'AAA'],
    ['an odd number of bytes', 'AAAA'],
  ])('that is %s › then -32602, and the provider hears nothing of it', async (_name, pcm_b64) => {
    await transcribe(host, ear, 's');
    expect((await host.call(PUSH, { session_id: 's', pcm_b64 })).error).toMatchObject({
      code: -32602,
      data: { issues: [{ path: 'pcm_b64' }] },
    });
    expect(ear.binaries).toEqual([]);
  });

  test('in a frame that cannot be it › then it is dropped, and the client told why', async () => {
    await transcribe(host, ear, hexId(1));
    host.sendBinary(frameOf('AudioIn', hexId(1), new Uint8Array(3)));
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1), 'mp3'));
    await settle();
    expect(voiceEvents(host)).toMatchObject([1, 2].map(() => ({ type: 'error', code: 'malformed_audio' })));
    expect(ear.binaries).toEqual([]);
    expect(host.closed).toBeUndefined();
  });

  test.each([
    ['too short', new Uint8Array(25)],
    ['of no type', Uint8Array.from([5, ...new Array(25).fill(0)])],
    ['of no format', Uint8Array.from([1, ...new Array(24).fill(0), 3])],
  ])('in a frame that is %s › then the connection is closed with 1003', async (_name, data) => {
    host.sendBinary(data);
    await settle();
    expect(host.closed).toBe(1003);
  });

  test('before authentication › then the connection is closed with 1003', async () => {
    const stranger = linked.connect();
    stranger.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
    await settle();
    expect(stranger.closed).toBe(1003);
  });

  test('of somebody else’s › then it goes nowhere', async () => {
    const stream = await transcribe(host, ear, hexId(1));
    const other = await linked.host();
    for (const id of [hexId(1), hexId(2), stream]) {
      other.sendBinary(frameOf('AudioIn', id, pcm(1)));
      other.sendBinary(frameOf('End', id));
    }
    expect((await other.call(PUSH, { session_id: hexId(1), pcm_b64: '' })).error.code).toBe(-32015);
    expect((await other.call(PUSH, { session_id: hexId(2), pcm_b64: '' })).error.code).toBe(-32014);
    expect((await other.call(STOP, { session_id: hexId(1) })).error.code).toBe(-32015);
    expect(other.closed).toBeUndefined();
    expect(ear.binaries).toEqual([]);
    expect(await host.ok('voice.sessions.list')).toMatchObject([{ status: 'running' }]);
    expect(await other.ok('voice.sessions.list')).toEqual([]);
    expect(await (await linked.manager()).ok('voice.sessions.list')).toHaveLength(1);
  });
});

describe('a transcription › when its provider speaks', () => {
  test('then every event reaches the client that started it, and nobody else, as it came', async () => {
    const stream = await transcribe(host, ear, 's');
    const other = await linked.host();
    const events = [
      { type: 'partial', text: 'hel', mood: [1] },
      { type: 'final', text: 'hello', start_ms: 0, end_ms: 400, speaker: 'A', confidence: 0.5, more: { a: 1 } },
      { type: 'error', message: 'a crackle' },
      { type: 'weather', text: 7 },
    ];
    for (const event of events) says(stream, event);
    await settle();
    expect(voiceEvents(host)).toEqual(events.map((event) => ({ session_id: 's', ...event })));
    expect(voiceEvents(other)).toEqual([]);
  });

  test('and it is not its own stream, or not whole › then it reaches nobody', async () => {
    const stream = await transcribe(host, ear, 's');
    const liar = await provider(linked, 'liar', 'voice.transcribe');
    for (const stream_id of [stream, 's', hexId(3)]) {
      liar.notify('voice.event', { stream_id, type: 'final', text: 'a lie' });
      host.notify('voice.event', { stream_id, type: 'ended' });
    }
    liar.sendBinary(frameOf('End', stream));
    liar.sendBinary(frameOf('AudioOut', stream, pcm(1)));
    for (const event of [{ type: 'final' }, { type: 'partial', text: 1 }, { text: 'a' }, { type: 'error' }]) {
      says(stream, event);
    }
    says(stream, { type: 'final', text: 'a', session_id: 'other', synthesized: true });
    await settle();
    expect(voiceEvents(host)).toEqual([{ session_id: 's', type: 'final', text: 'a' }]);
  });

  test('and two clients stream to one provider › then nothing crosses', async () => {
    const other = await linked.host();
    const [a, b] = [await transcribe(host, ear, hexId(1)), await transcribe(other, ear, hexId(2))];
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
    other.sendBinary(frameOf('AudioIn', hexId(2), pcm(2)));
    await settle();
    expect(ear.binaries.map((frame) => [frame?.streamId, frame?.payload])).toEqual([
      [a, pcm(1)],
      [b, pcm(2)],
    ]);
    says(b, { type: 'final', text: 'two' });
    says(a, { type: 'final', text: 'one' });
    await settle();
    expect([host, other].map((client) => voiceEvents(client).map(({ text }) => text))).toEqual([['one'], ['two']]);
  });
});

describe('a transcription › when its id is a UUID, written in another way', () => {
  const UUID = '019A2B3C-4d5e-7f60-8a9b-c0d1e2f30003';
  const digits = UUID.replaceAll('-', '').toLowerCase();

  test('then its client’s binary frames are its own, and their end too; a stranger’s are not', async () => {
    const stream = await transcribe(host, ear, UUID);
    const stranger = await linked.host();
    stranger.sendBinary(frameOf('AudioIn', digits, pcm(9)));
    host.sendBinary(frameOf('AudioIn', digits, pcm(1)));
    host.sendBinary(frameOf('End', digits));
    await settle();
    expect(ear.binaries.map((frame) => [frame?.streamId, frame?.payload])).toEqual([[stream, pcm(1)]]);
    expect(ear.received('voice.transcribe.stop')).toHaveLength(1);
    expect(await readDrops(linked.broker)).toEqual({ unknown_stream: 1 });
  });
});

describe('a transcription › when its sound has two channels', () => {
  test('then half a sample of both is refused, and as a frame dropped', async () => {
    const start = { session_id: hexId(7), audio_source: { ...SOURCE, channels: 2 } };
    host.post('voice.transcribe_stream.start', start);
    await settle();
    ear.answer(ear.received('voice.transcribe.start').at(-1), {});
    const push = (audio: Uint8Array) => host.call(PUSH, { session_id: hexId(7), pcm_b64: base64(audio) });
    expect((await push(pcm(1))).error).toMatchObject({ code: -32602, data: { issues: [{ path: 'pcm_b64' }] } });
    expect((await push(pcm(1, 2))).result).toEqual({ received: 4 });
    host.sendBinary(frameOf('AudioIn', hexId(7), pcm(1)));
    await settle();
    expect(voiceEvents(host)).toMatchObject([{ type: 'error', code: 'malformed_audio' }]);
  });
});
