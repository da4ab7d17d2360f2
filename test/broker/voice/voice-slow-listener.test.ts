import { describe, expect, test } from 'vitest';
import { AGENTS } from '../../../actors/connection/agent-registry.ts';
import type { LocalVoice } from '../../../broker.ts';
import { linkedPair } from '../../../transport/linked-pair.ts';
import { HeldLink } from '../../support/held-link.ts';
import { startInternals } from '../../support/internals.ts';
import { LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { base64, frameOf, hexId, speak, voiceEvents } from '../../support/voice.ts';

/* Speech that comes faster than its client reads it: the stream pays, not the connection. */

const LIMITS = { maxWaitingSpeechBytes: 3_000, hardLimitBytes: 5_000 };
const piece = (fill: number) => new Uint8Array(1_000).fill(fill);

async function scene(voice?: LocalVoice) {
  const internals = startInternals({ limits: LIMITS, voice });
  const [near, far] = linkedPair();
  const link = new HeldLink(far);
  internals.open(link);
  const host = new LinkedClient(near);
  await host.ok('session.auth', { token: 'daemon-token' });
  const agentLink = linkedPair();
  internals.open(agentLink[1]);
  const mouth = new LinkedClient(agentLink[0]);
  const { token } = internals.state.get(AGENTS).upsert({ id: 'mouth', capabilities: ['voice.speak'] });
  await mouth.ok('session.auth', { agent_id: 'mouth', token });
  return { link, host, mouth };
}

const FORMS = [
  ['JSON', false],
  ['binary frames', true],
] as const;

describe.each(FORMS)('speech as %s', (_form, binary_frames) => {
  const options = { binary_frames };
  const say = (mouth: LinkedClient, id: string, fill: number) =>
    binary_frames
      ? mouth.sendBinary(frameOf('AudioOut', id, piece(fill), 'wav'))
      : mouth.notify('voice.event', {
          ...{ stream_id: id, type: 'tts_chunk', seq: fill, format: 'wav', is_final: false },
          audio_b64: base64(piece(fill)),
        });

  test('more of it than may wait › then that stream fails, both sides hear why, and another goes on', async () => {
    const { link, host, mouth } = await scene();
    const long = await speak(host, mouth, { stream_id: hexId(1), options });
    const short = await speak(host, mouth, { stream_id: hexId(2), options });
    for (let n = 0; n < 20; n += 1) say(mouth, long, n);
    await settle();
    say(mouth, short, 0);
    mouth.sendBinary(frameOf('End', short));
    await settle();
    expect(mouth.received('voice.speak.cancel').map(({ params }) => params)).toEqual([
      { stream_id: long, reason: 'slow_consumer' },
    ]);
    expect(link.most).toBeLessThan(LIMITS.hardLimitBytes + 1_000);
    link.release();
    await settle();
    const of = (id: string) => voiceEvents(host).filter(({ stream_id }) => stream_id === id);
    expect(of(hexId(1)).slice(-2)).toMatchObject([
      { type: 'error', code: 'slow_consumer', message: expect.stringContaining('shorter texts'), synthesized: true },
      { type: 'ended', synthesized: true },
    ]);
    expect(of(hexId(2)).at(-1)).toMatchObject({ type: 'ended' });
    expect(host.closed).toBeUndefined();
  });

  test('all streams of a connection together › then they stay below its hard limit', async () => {
    const { link, host, mouth } = await scene();
    const ids = [];
    for (const n of [1, 2, 3]) ids.push(await speak(host, mouth, { stream_id: hexId(n), options }));
    for (const id of ids) for (const n of [0, 1]) say(mouth, id, n);
    await settle();
    expect(mouth.received('voice.speak.cancel').length).toBeGreaterThanOrEqual(1);
    expect(link.most).toBeLessThan(LIMITS.hardLimitBytes + 1_000);
  });

  test('any amount for who reads in time › then all of it comes', async () => {
    const { link, host, mouth } = await scene();
    const id = await speak(host, mouth, { stream_id: hexId(1), options });
    for (let n = 0; n < 20; n += 1) {
      say(mouth, id, n);
      await settle();
      if (n % 2 === 1) link.release();
    }
    mouth.sendBinary(frameOf('End', id));
    await settle();
    link.release();
    await settle();
    expect(voiceEvents(host).at(-1)).toMatchObject({ type: 'ended' });
    const pieces = binary_frames
      ? host.binaries.flatMap((frame) => (frame?.type === 2 ? [frame.payload[0]] : []))
      : voiceEvents(host).flatMap(({ audio_b64 }) => (audio_b64 ? [Buffer.from(audio_b64, 'base64')[0]] : []));
    expect(pieces).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });
});

test('a piece that is larger than all that may wait › then its stream fails, and says what to do', async () => {
  const { link, host, mouth } = await scene();
  const id = await speak(host, mouth, { stream_id: hexId(1), options: { binary_frames: true } });
  mouth.sendBinary(frameOf('AudioOut', id, new Uint8Array(3_001)));
  await settle();
  link.release();
  await settle();
  expect(voiceEvents(host)).toMatchObject([
    { type: 'error', code: 'slow_consumer', message: expect.stringContaining('smaller') },
    { type: 'ended' },
  ]);
});

test('what else a speaking provider sends › then it counts like its speech', async () => {
  const { host, mouth } = await scene();
  const id = await speak(host, mouth, { stream_id: hexId(1) });
  mouth.notify('voice.event', { stream_id: id, type: 'weather', text: 'é'.repeat(2_000) });
  await settle();
  expect(mouth.received('voice.speak.cancel')).toHaveLength(1);
});

test('what comes before the acceptance, and is too much › then the request is refused', async () => {
  const { link, host, mouth } = await scene();
  link.other = LIMITS.hardLimitBytes;
  const id = host.post('voice.tts_stream.start', { stream_id: hexId(1), text: 'a' });
  await settle();
  const { stream_id } = mouth.received('voice.speak.start')[0].params;
  mouth.sendBinary(frameOf('AudioOut', stream_id, piece(1)));
  await settle();
  expect(host.replyTo(id).error).toMatchObject({
    code: -32020,
    data: { limit: { name: 'max_waiting_speech_bytes', value: 3_000 } },
  });
});

describe('speech of the embedder’s', () => {
  /** A recording that is there at once, and what came of it. */
  function recording(pieces: number) {
    const seen: { pulled: number; reason?: unknown } = { pulled: 0 };
    const voice: LocalVoice = {
      async *speak({ signal }) {
        signal.addEventListener('abort', () => {
          seen.reason = signal.reason;
        });
        for (; seen.pulled < pieces; seen.pulled += 1) {
          yield { format: 'wav', audio: new Uint8Array(100_000).fill(seen.pulled) };
        }
      },
    };
    return { seen, voice };
  }

  test.each(FORMS)('as %s › then it is read as fast as its client reads, and comes whole', async (_form, binary) => {
    const { seen, voice } = recording(20);
    const { host, link } = await scene(voice);
    await host.ok('voice.tts_stream.start', { stream_id: hexId(1), text: 'a', options: { binary_frames: binary } });
    await settle();
    expect(seen.pulled).toBeLessThan(2);
    while (!voiceEvents(host).some(({ type }) => type === 'ended')) {
      link.release();
      await settle();
    }
    expect(link.most).toBeLessThan(200_000);
    const audio = binary
      ? host.binaries.map((frame) => frame?.payload ?? new Uint8Array())
      : voiceEvents(host).map(({ audio_b64 = '' }) => Buffer.from(audio_b64, 'base64'));
    const bytes = Buffer.concat(audio);
    expect(bytes).toHaveLength(20 * 100_000);
    expect([bytes[0], bytes[1_950_000]]).toEqual([0, 19]);
  });

  test('that has no end, for who does not read › then a cancel ends it, and its signal aborts', async () => {
    const { seen, voice } = recording(Number.POSITIVE_INFINITY);
    const { host, link } = await scene(voice);
    await host.ok('voice.tts_stream.start', { stream_id: 's', text: 'a' });
    expect(await host.ok('voice.tts_stream.cancel', { stream_id: 's' })).toMatchObject({ cancelled: true });
    link.release();
    await settle();
    expect(seen).toMatchObject({ reason: 'client_cancelled', pulled: expect.toSatisfy((n) => n < 5) });
  });

  test('that has no end and never waits, for who takes all › then others still get their turn', async () => {
    const { seen, voice } = recording(Number.POSITIVE_INFINITY);
    const host = await startLinked({ voice }).host();
    const options = { binary_frames: true };
    await host.ok('voice.tts_stream.start', { stream_id: hexId(1), text: 'a', options });
    host.post('voice.tts_stream.cancel', { stream_id: hexId(1) });
    while (seen.reason === undefined) await settle();
    expect(seen.reason).toBe('client_cancelled');
  });
});
