import { beforeEach, describe, expect, it } from 'vitest';
import { type AgentOptions, type Host, type TranscriptEvent, VoiceError } from '../../client/node.ts';
import { rawMouth } from '../support/raw-mouth.ts';
import { aborted, deferred, RealBroker, rejection } from './real-broker.ts';

/* Voice in the SDK, both sides of it, over real sockets. */

let real: RealBroker;
let host: Host;
beforeEach(async () => {
  real = await RealBroker.start();
  host = await real.host();
});

/** An agent that is a provider of voice. */
function provider(options: Partial<AgentOptions>) {
  real.broker.upsertAgent({ id: 'echo', capabilities: ['voice.transcribe', 'voice.speak'] });
  return real.agent(async () => '', options);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const RATE = { sampleRate: 16_000 };

/** Says how much it has heard, after each piece and at the end. */
const counting: AgentOptions['onTranscribe'] = async function* ({ audio, sampleRate, channels }) {
  let bytes = 0;
  for await (const piece of audio) {
    bytes += piece.length;
    yield { type: 'partial', text: `${bytes}` };
  }
  yield { type: 'final', text: `${bytes} bytes`, start_ms: 0 };
  yield { type: 'final', text: `${sampleRate}/${channels}` };
};

describe('host.transcribe', () => {
  it('streams audio to the agent, and yields what it hears up to ended', async () => {
    await provider({ onTranscribe: counting });
    const stream = host.transcribe({ sampleRate: 44_100, channels: 2 });
    for (const size of [4, 8]) await stream.write(new Uint8Array(size));
    stream.end();
    expect(await stream.started).toBe('echo');
    const expected: TranscriptEvent[] = [
      { type: 'partial', text: '4' },
      { type: 'partial', text: '12' },
      { type: 'final', text: '12 bytes', start_ms: 0 },
      { type: 'final', text: '44100/2' },
      { type: 'ended' },
    ];
    expect(await all(stream)).toEqual(expected);
  });

  it('gives the whole text, or stops and gives what the broker has kept', async () => {
    await provider({ onTranscribe: counting });
    const [one, two] = [host.transcribe(RATE), host.transcribe(RATE)];
    await Promise.all([one.write(new Uint8Array(2)), two.write(new Uint8Array(4))]);
    one.end();
    expect(await one.text()).toBe('2 bytes 16000/1');
    expect(await two.stop()).toEqual({
      session_id: two.sessionId,
      transcript: '4 bytes 16000/1',
      segments: [{ text: '4 bytes', start_ms: 0 }, { text: '16000/1' }],
    });
  });

  it('without a provider › started rejects, and so does reading', async () => {
    const stream = host.transcribe(RATE);
    const expected = { code: -32011, data: { capability: 'voice.transcribe' } };
    expect(await rejection(stream.text())).toMatchObject(expected);
    expect(await rejection(stream.started)).toMatchObject(expected);
    await stream.write(new Uint8Array(2));
    stream.end();
    expect(host.role).toBeUndefined();
    expect(await host.agents.list()).toBeDefined();
  });

  it('when the agent throws › reading throws its words, and the agent hears of it', async () => {
    const errors: unknown[] = [];
    const onTranscribe: AgentOptions['onTranscribe'] = async function* () {
      yield { type: 'final', text: 'so far' };
      throw new Error('no more ears');
    };
    await provider({ onTranscribe, onVoiceError: (error) => errors.push(error) });
    const error = await rejection(host.transcribe(RATE).text());
    expect(error).toBeInstanceOf(VoiceError);
    expect(error).toMatchObject({ message: 'no more ears', code: 'provider_failed', retryable: false });
    expect(errors).toMatchObject([{ message: 'no more ears' }]);
  });

  it('when the agent goes › reading throws that it did, and it may be tried again', async () => {
    const agent = await provider({ onTranscribe: counting });
    const stream = host.transcribe(RATE);
    await stream.started;
    void agent.close();
    expect(await rejection(stream.text())).toMatchObject({ code: 'provider_disconnected', retryable: true });
  });

  it('when the loop is left, or the host goes › the agent’s signal aborts, or its audio ends', async () => {
    const over = deferred();
    const signals: AbortSignal[] = [];
    const onTranscribe: AgentOptions['onTranscribe'] = async function* ({ audio, signal }) {
      signals.push(signal);
      yield { type: 'partial', text: 'hello?' };
      for await (const _ of audio);
      over.resolve();
    };
    await provider({ onTranscribe });
    for await (const { type } of host.transcribe(RATE)) {
      expect(type).toBe('partial');
      break;
    }
    await over.promise;
    const stream = host.transcribe(RATE);
    await stream.started;
    await host.close();
    expect(await rejection(stream.text())).toMatchObject({ name: 'ConnectionClosedError' });
    expect(signals).toHaveLength(2);
    await aborted(signals[1] as AbortSignal);
  });

  it('read more slowly than it is told › ends in a BufferOverflowError', async () => {
    const onTranscribe: AgentOptions['onTranscribe'] = async function* () {
      for (let n = 0; n < 100; n += 1) yield { type: 'final', text: 'x'.repeat(100) };
    };
    await provider({ onTranscribe });
    const stream = host.transcribe({ ...RATE, bufferLimit: 2_000 });
    await stream.started;
    // Nobody reads until all of it is there.
    const probe = host.transcribe(RATE);
    await probe.text();
    expect(await rejection(stream.text())).toMatchObject({ name: 'BufferOverflowError' });
  });

  it('more audio than the agent may keep › fails the stream', async () => {
    const release = deferred();
    const onTranscribe: AgentOptions['onTranscribe'] = async function* () {
      await release.promise;
      yield { type: 'final', text: 'late' };
    };
    await provider({ onTranscribe });
    const stream = host.transcribe(RATE);
    const text = rejection(stream.text());
    for (let mebibytes = 0; mebibytes < 18; mebibytes += 1) {
      await stream.write(new Uint8Array(1024 * 1024));
      // Answered once the broker has passed it on: what waits there is bounded, too.
      await host.tools();
    }
    expect(await text).toMatchObject({ code: 'provider_failed', message: expect.stringContaining('16777216 bytes') });
    release.resolve();
  });
});

describe('what is written', () => {
  /** The broker's own provider, which reads as fast as it comes; says what it has heard, and in which pieces. */
  async function listener(channels: 1 | 2 = 1) {
    const heard: Uint8Array[] = [];
    const broker = await RealBroker.start({
      voice: {
        async *transcribe({ audio }) {
          for await (const piece of audio) heard.push(piece);
          yield { type: 'final', text: `${heard.reduce((sum, { length }) => sum + length, 0)} bytes` };
        },
      },
    });
    return { stream: (await broker.host()).transcribe({ ...RATE, channels }), heard };
  }

  it('in pieces that end in the middle of a sample › arrives whole', async () => {
    const { stream, heard } = await listener();
    for (const bytes of [[1, 2, 3], [4], [], [5], [6, 7, 8, 9]]) await stream.write(Uint8Array.from(bytes));
    stream.end();
    expect(await all(stream)).toMatchObject([{ type: 'final' }, { type: 'ended' }]);
    // The last byte is half a sample: nothing that could be heard.
    expect(heard.flatMap((piece) => [...piece])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('of two channels, between the two › arrives whole', async () => {
    const { stream, heard } = await listener(2);
    for (const bytes of [
      [1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ])
      await stream.write(Uint8Array.from(bytes));
    stream.end();
    expect((await all(stream)).map(({ type }) => type)).toEqual(['final', 'ended']);
    expect(heard.map((piece) => [...piece])).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  it('at once, more than a message may have › is cut into pieces, in order, and the end comes after it', async () => {
    const { stream, heard } = await listener();
    const [first, second] = [new Uint8Array(17 * 1024 * 1024 + 1).fill(1), new Uint8Array(200 * 1024 + 1).fill(2)];
    // Whoever does not wait has it sent in the same order.
    void stream.write(first);
    void stream.write(second);
    stream.end();
    expect(await all(stream)).toMatchObject([
      { type: 'final', text: `${first.length + second.length} bytes` },
      { type: 'ended' },
    ]);
    expect(Math.max(...heard.map(({ length }) => length))).toBe(64 * 1024);
    expect(Buffer.concat(heard).lastIndexOf(1)).toBe(first.length - 1);
  });

  it('before a stop › counts for what the stop gives', async () => {
    const { stream } = await listener();
    void stream.write(new Uint8Array(3 * 1024 * 1024));
    expect((await stream.stop()).transcript).toBe(`${3 * 1024 * 1024} bytes`);
  });
});

describe('host.speak', () => {
  it('yields the pieces as they come, the large ones cut, and joins them on request', async () => {
    const onSpeak: AgentOptions['onSpeak'] = async function* ({ text, voiceId }) {
      yield { format: 'wav', audio: new TextEncoder().encode(`${voiceId} says ${text}`) };
      yield { format: 'wav', audio: new Uint8Array(300 * 1024) };
    };
    await provider({ onSpeak });
    const speech = host.speak('hello', { voiceId: 'bob' });
    const pieces = await all(speech);
    expect(pieces.map(({ audio }) => audio.length)).toEqual([14, 256 * 1024, 44 * 1024]);
    expect(await speech.started).toBe('echo');
    const { format, audio } = await host.speak('hello', { voiceId: 'bob' }).audio();
    expect(format).toBe('wav');
    expect(new TextDecoder().decode(audio.subarray(0, 14))).toBe('bob says hello');
    expect(audio).toHaveLength(14 + 300 * 1024);
  });

  it('when it is cancelled, or the loop is left › the agent’s signal aborts', async () => {
    const signals: AbortSignal[] = [];
    const onSpeak: AgentOptions['onSpeak'] = async function* ({ signal }) {
      signals.push(signal);
      yield { format: 'pcm', audio: new Uint8Array(2) };
      await aborted(signal);
    };
    await provider({ onSpeak });
    for await (const { audio } of host.speak('one')) {
      expect(audio).toHaveLength(2);
      break;
    }
    const speech = host.speak('two');
    await speech.started;
    expect(await speech.cancel()).toBe(true);
    expect(await all(speech)).toHaveLength(1);
    expect(await speech.cancel()).toBe(false);
    for (const signal of signals) await aborted(signal);
    expect(signals).toHaveLength(2);
  });

  it('of which pieces are missing, or of several formats › rejects, for it is no recording', async () => {
    await rawMouth(real.broker, [
      { seq: 0, payload: Uint8Array.from([1]) },
      { seq: 2, payload: Uint8Array.from([3]) },
    ]);
    const words = { message: expect.stringContaining('pieces of the speech are missing') };
    expect(await rejection(host.speak('a', { provider: 'mouth' }).audio())).toMatchObject(words);
    const onSpeak: AgentOptions['onSpeak'] = async function* () {
      yield { format: 'wav', audio: new Uint8Array(2) };
      yield { format: 'pcm', audio: new Uint8Array(2) };
    };
    await provider({ onSpeak });
    expect(await rejection(host.speak('a', { provider: 'echo' }).audio())).toMatchObject({
      message: 'the provider went from wav to pcm midway',
    });
  });

  it('without sound, or without a provider › rejects', async () => {
    expect(await rejection(host.speak('hello').audio())).toMatchObject({ code: -32011 });
    await provider({ onSpeak: async function* () {} });
    expect(await rejection(host.speak('hello').audio())).toMatchObject({ message: 'the provider has sent no audio' });
  });
});

describe('an agent that is no provider of that kind', () => {
  it('does not know the method, and the client is told', async () => {
    await provider({});
    expect(await rejection(host.speak('hello').audio())).toMatchObject({
      code: -32012,
      data: { agent_error: { code: -32601 } },
    });
  });
});
