import { beforeEach, describe, expect, test } from 'vitest';
import { AudioFrameType, encodeAudioFrame } from '../../../protocol/audio-frame.ts';
import { type Linked, type LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { base64, frameOf, hexId, provider, speak, voiceEvents } from '../../support/voice.ts';

/* Speech (`wire.md` section 11): from a text to the last piece of audio. */

let linked: Linked;
let host: LinkedClient;
let mouth: LinkedClient;
beforeEach(async () => {
  linked = startLinked();
  host = await linked.host();
  mouth = await provider(linked, 'mouth', 'voice.speak');
});

const START = 'voice.tts_stream.start';
const BYTES = Uint8Array.from([1, 2, 3]);
const piece = (seq: number, audio: Uint8Array, is_final: boolean) => ({
  type: 'tts_chunk',
  seq,
  audio_b64: base64(audio),
  format: 'wav',
  is_final,
});

describe('speech › when it starts', () => {
  test('then the provider gets the text and the voice, and the client is answered when it has accepted', async () => {
    const options = { voice_id: 'en-us', binary_frames: true };
    const id = host.post(START, { stream_id: hexId(1), text: 'good morning', options });
    await settle();
    const [request] = mouth.received('voice.speak.start');
    expect(request.params).toEqual({
      stream_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      text: 'good morning',
      voice_id: 'en-us',
    });
    expect(host.replyTo(id)).toBeUndefined();
    mouth.answer(request, null);
    await settle();
    expect(host.replyTo(id).result).toEqual({ stream_id: hexId(1), binary_frames: true, provider: 'mouth' });
    expect((await host.ok('voice.tts_stream.list')).streams).toMatchObject([
      { stream_id: hexId(1), provider: 'mouth', status: 'running', binary_frames: true },
    ]);
    expect(await (await linked.host()).ok('voice.tts_stream.list')).toEqual({ streams: [] });
  });

  test.each([
    ['no text', { text: '' }, 'text'],
    ['binary frames under an id that has none', { stream_id: 's', options: { binary_frames: true } }, 'stream_id'],
  ])('with %s › then -32602 names it', async (_name, params, path) => {
    const reply = await host.call(START, { stream_id: hexId(1), text: 'a', ...params });
    expect(reply.error).toMatchObject({ code: -32602, data: { issues: [{ path }] } });
  });
});

describe('speech › when its audio comes', () => {
  test('as JSON to a client that reads JSON › then as it came', async () => {
    const stream = await speak(host, mouth, { stream_id: 's' });
    const pieces = [piece(0, BYTES, false), { ...piece(1, BYTES, true), viseme: 'o' }];
    for (const one of pieces) mouth.notify('voice.event', { stream_id: stream, ...one });
    await settle();
    expect(voiceEvents(host)).toEqual([
      ...pieces.map((one) => ({ stream_id: 's', ...one })),
      { stream_id: 's', type: 'ended', synthesized: true },
    ]);
  });

  test('as binary frames to a client that reads JSON › then as pieces, the last one empty', async () => {
    const stream = await speak(host, mouth, { stream_id: 's' });
    mouth.sendBinary(frameOf('AudioOut', stream, BYTES, 'wav'));
    mouth.sendBinary(frameOf('AudioOut', stream, BYTES, 'wav'));
    mouth.sendBinary(frameOf('End', stream));
    await settle();
    expect(voiceEvents(host)).toEqual([
      { stream_id: 's', ...piece(0, BYTES, false) },
      { stream_id: 's', ...piece(1, BYTES, false) },
      { stream_id: 's', ...piece(2, new Uint8Array(), true) },
      { stream_id: 's', type: 'ended', synthesized: true },
    ]);
  });

  test.each(['JSON', 'binary frames'])('as %s to a client that reads binary frames › then as such', async (form) => {
    const stream = await speak(host, mouth, { stream_id: hexId(7), options: { binary_frames: true } });
    if (form === 'JSON') {
      mouth.notify('voice.event', { stream_id: stream, ...piece(0, BYTES, false) });
      mouth.notify('voice.event', { stream_id: stream, ...piece(1, new Uint8Array(), true) });
    } else {
      mouth.sendBinary(frameOf('AudioOut', stream, BYTES, 'wav'));
      mouth.sendBinary(frameOf('End', stream));
    }
    await settle();
    const common = { streamId: hexId(7), format: 'wav' };
    expect(host.binaries).toEqual([
      { ...common, type: 2, seq: 0n, payload: BYTES },
      { ...common, type: 3, seq: 1n, payload: new Uint8Array() },
    ]);
    expect(voiceEvents(host)).toEqual([{ stream_id: hexId(7), type: 'ended', synthesized: true }]);
  });

  test('in a piece that is not whole › then it reaches nobody', async () => {
    const stream = await speak(host, mouth, { stream_id: 's' });
    for (const wrong of [{ seq: -1 }, { audio_b64: '!' }, { format: 'ogg' }, { is_final: 'yes' }]) {
      mouth.notify('voice.event', { stream_id: stream, ...piece(0, BYTES, false), ...wrong });
    }
    await settle();
    expect(voiceEvents(host)).toEqual([]);
  });

  test('to a client that failed to get it all › then it is told why in its own form', async () => {
    await speak(host, mouth, { stream_id: hexId(1), options: { binary_frames: true } });
    mouth.close();
    await settle();
    expect(host.binaries).toMatchObject([{ type: 4, payload: new TextEncoder().encode('the provider disconnected') }]);
    expect(voiceEvents(host).map(({ type }) => type)).toEqual(['error', 'ended']);
  });
});

describe('speech › when it is cancelled', () => {
  test('by its client › then it is answered, ends, and the provider is told', async () => {
    const stream = await speak(host, mouth, { stream_id: 's' });
    const id = host.post('voice.tts_stream.cancel', { stream_id: 's' });
    await settle();
    expect(host.frames.slice(-2)).toMatchObject([
      { id, result: { stream_id: 's', cancelled: true } },
      { method: 'voice.event', params: { stream_id: 's', type: 'ended' } },
    ]);
    expect(mouth.received('voice.speak.cancel').map(({ params }) => params)).toEqual([
      { stream_id: stream, reason: 'client_cancelled' },
    ]);
    expect(await host.ok('voice.tts_stream.cancel', { stream_id: 's' })).toEqual({ stream_id: 's', cancelled: false });
  });

  test('before the provider has accepted › then both are answered, in order', async () => {
    const started = host.post(START, { stream_id: 's', text: 'a' });
    const cancelled = host.post('voice.tts_stream.cancel', { stream_id: 's' });
    await settle();
    expect(host.frames.slice(-3)).toMatchObject([
      { id: started, result: { stream_id: 's' } },
      { id: cancelled, result: { cancelled: true } },
      { params: { type: 'ended' } },
    ]);
  });

  test('by somebody else › then it goes on, and that is no error', async () => {
    await speak(host, mouth, { stream_id: 's' });
    const other = await linked.host();
    expect(await other.ok('voice.tts_stream.cancel', { stream_id: 's' })).toMatchObject({ cancelled: false });
    expect(mouth.received('voice.speak.cancel')).toEqual([]);
    expect(await (await linked.manager()).ok('voice.tts_stream.cancel', { stream_id: 's' })).toMatchObject({
      cancelled: true,
    });
  });
});

describe('speech › when its provider’s numbers leave some out', () => {
  const numbered = (id: string, seq: number) =>
    encodeAudioFrame({ type: AudioFrameType.AudioOut, streamId: id, seq: BigInt(seq), format: 'wav', payload: BYTES });

  test.each([
    ['from 7 on, one by one', [7, 8, 9], [0n, 1n, 2n]],
    ['with a gap', [0, 1, 99, 100], [0n, 1n, 3n, 4n]],
    ['always the same', [0, 0, 0], [0n, 1n, 2n]],
  ])('%s › then the client’s leave one out for each gap', async (_name, sent, received) => {
    const id = await speak(host, mouth, { stream_id: hexId(1), options: { binary_frames: true } });
    for (const seq of sent) mouth.sendBinary(numbered(id, seq));
    await settle();
    expect(host.binaries.map((frame) => frame?.seq)).toEqual(received);
  });

  test('of pieces as JSON › then the same', async () => {
    const id = await speak(host, mouth, { stream_id: hexId(1), options: { binary_frames: true } });
    for (const seq of [0, 2]) mouth.notify('voice.event', { stream_id: id, ...piece(seq, BYTES, false) });
    await settle();
    expect(host.binaries.map((frame) => frame?.seq)).toEqual([0n, 2n]);
  });
});

test('a cancel › of what no stream can be called › is no error either', async () => {
  const reply = await host.ok('voice.tts_stream.cancel', { stream_id: 'a/b c' });
  expect(reply).toEqual({ stream_id: 'a/b c', cancelled: false });
});
