import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readWav } from '../../cli/wav.ts';
import { AudioFrameType, encodeAudioFrame } from '../../protocol/audio-frame.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, DIST, Program, run } from './support/program.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/* The real thing: espeak-ng speaks, pocketsphinx listens, each inside an agent of examples/. */

const PROGRAMS = ['espeak-ng', 'pocketsphinx_continuous'];
const missing = PROGRAMS.filter((name) => spawnSync('which', [name]).status !== 0);
const why = missing.length > 0 ? ` (skipped here: no ${missing.join(', no ')}; .ci/run installs them)` : '';
/** Recognising takes about as long as speaking does, on a machine that has nothing else to do. */
const SLOW = { timeout: 120_000 };

const PEOPLE = 'there are many people in the city today';
const WEATHER = 'the weather is good today';
/** The one that pocketsphinx understands best. */
const VOICE = 'en-us+klatt';

it.runIf(process.env.CI)('espeak-ng and pocketsphinx are there, where nothing may be skipped', () => {
  expect(missing).toEqual([]);
});

/** A sentence, spoken. */
function spoken(text: string): { pcm: Buffer; sampleRate: number } {
  const { stdout } = spawnSync('espeak-ng', ['-v', VOICE, '-s', '140', '--stdout', text], { maxBuffer: 2 ** 26 });
  return readWav(stdout, 'what espeak-ng says');
}

/** How much of a sentence's words a transcript has. */
function share(sentence: string, transcript: string): number {
  const heard = new Set(transcript.split(' '));
  const words = sentence.split(' ');
  return words.filter((word) => heard.has(word)).length / words.length;
}

describe.skipIf(missing.length > 0)(`examples/transcriber.ts and examples/speaker.ts${why}`, SLOW, () => {
  let daemon: Daemon;
  let host: WireClient;
  beforeAll(async () => {
    daemon = await startDaemon();
  });
  beforeEach(async () => {
    host = await daemon.host();
  });

  async function start(id: string, capability: string): Promise<void> {
    const manager = await daemon.manager();
    const { token } = await manager.ok('agents.upsert', { id, capabilities: [capability], rotate_token: true });
    const env = { SWITCHBOARD_URL: daemon.url, SWITCHBOARD_AGENT_TOKEN: token };
    await new Program([`${DIST}/examples/${id}.js`], env).shows(`${id}: ready`);
  }
  const startTranscriber = () => start('transcriber', 'voice.transcribe');
  const startSpeaker = () => start('speaker', 'voice.speak');
  const cli = (...argv: string[]) =>
    run([CLI, ...argv], { SWITCHBOARD_URL: daemon.url, SWITCHBOARD_AUTH_TOKEN: daemon.tokens.daemon });

  /** An open transcription, to be sent sound in pieces of a tenth of a second. */
  async function listen(client: WireClient, sample_rate: number) {
    const session_id = randomBytes(16).toString('hex');
    const source = { kind: 'pcm_push', sample_rate, channels: 1 };
    const started = await client.ok('voice.transcribe_stream.start', { session_id, audio_source: source });
    expect(started).toEqual({ session_id, status: 'running', provider: 'transcriber' });
    let seq = 0n;
    const send = (type: AudioFrameType, payload: Uint8Array) => {
      client.socket.send(encodeAudioFrame({ type, streamId: session_id, seq, format: 'pcm', payload }));
      seq += 1n;
    };
    const size = Math.floor(sample_rate / 10) * 2;
    const events = (): Message[] => client.received('voice.event').map(({ params }) => params);
    return {
      events,
      pieces: (pcm: Buffer) =>
        Array.from({ length: Math.ceil(pcm.length / size) }, (_, n) => pcm.subarray(n * size, (n + 1) * size)),
      silence: Buffer.alloc(size),
      say: (pcm: Buffer) => send(AudioFrameType.AudioIn, pcm),
      /** No more comes; gives all events up to the last. */
      async end(): Promise<Message[]> {
        send(AudioFrameType.End, new Uint8Array());
        await client.when(() => events().find((event) => event.session_id === session_id && event.type === 'ended'));
        expect(events().filter((event) => event.session_id !== session_id)).toEqual([]);
        return events();
      },
    };
  }

  /** Streams sound as a file is sent, all of it at once. */
  async function hear(client: WireClient, pcm: Buffer, sampleRate: number): Promise<Message[]> {
    const stream = await listen(client, sampleRate);
    for (const piece of stream.pieces(pcm)) stream.say(piece);
    return stream.end();
  }

  /** Streams sound as a microphone does, a piece every tenth of a second, and silence after it until `isEnough`. */
  async function hearLive(
    client: WireClient,
    pcm: Buffer,
    sampleRate: number,
    isEnough: (events: Message[]) => boolean,
  ): Promise<Message[]> {
    const stream = await listen(client, sampleRate);
    const pieces = stream.pieces(pcm);
    for await (const _ of setInterval(100)) {
      stream.say(pieces.shift() ?? stream.silence);
      if (pieces.length === 0 && isEnough(stream.events())) break;
    }
    return stream.end();
  }
  const finals = (events: Message[]) => events.filter(({ type }) => type === 'final').map(({ text }) => text);

  it('a file and a microphone that stays on go to one transcriber at a time: partials and finals come back while they are sent, most words right, and nothing crosses', async () => {
    await startTranscriber();
    const [other, stranger] = [await daemon.host(), await daemon.host()];
    const [people, weather] = [spoken(PEOPLE), spoken(WEATHER)];
    const pause = Buffer.alloc(people.sampleRate * 2);
    let whileOn: string[] = [];
    const [ours, theirs] = await Promise.all([
      hear(host, Buffer.concat([people.pcm, pause, weather.pcm]), people.sampleRate),
      hearLive(other, weather.pcm, weather.sampleRate, (soFar) => {
        whileOn = finals(soFar);
        return whileOn.length > 0;
      }),
    ]);
    expect(ours.some(({ type, text }) => type === 'partial' && text !== '')).toBe(true);
    const heard = finals(ours);
    expect(heard).toHaveLength(2);
    expect(share(PEOPLE, heard[0]), heard[0]).toBeGreaterThan(0.6);
    expect(share(WEATHER, heard[1]), heard[1]).toBeGreaterThan(0.6);
    const [one, two] = ours.filter(({ type }) => type === 'final');
    expect(one.end_ms).toBeGreaterThan(one.start_ms);
    expect(two.start_ms).toBeGreaterThanOrEqual(one.end_ms);
    expect(share(WEATHER, whileOn.join(' ')), whileOn.join(' ')).toBeGreaterThan(0.6);
    expect(share(PEOPLE, finals(theirs).join(' '))).toBeLessThan(0.6);
    const types = theirs.map(({ type }) => type);
    expect(types.indexOf('partial')).toBeGreaterThanOrEqual(0);
    expect(types.indexOf('partial')).toBeLessThan(types.indexOf('final'));
    await stranger.settled();
    expect(stranger.received('voice.event')).toEqual([]);
  });

  it('switchboard say saves a WAV that plays, and switchboard transcribe reads it back', async () => {
    await Promise.all([startTranscriber(), startSpeaker()]);
    const file = join(temporaryDirectory(), 'weather.wav');
    const said = await cli('say', ...WEATHER.split(' '), '-o', file, '--voice', VOICE);
    expect(said).toMatchObject({ code: 0, out: '' });
    expect(said.err).toMatch(/weather\.wav: \d\.\d s, 22050 Hz/);
    const bytes = readFileSync(file);
    // Every player goes by these two sizes.
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
    const { pcm, sampleRate } = readWav(bytes, file);
    expect(pcm.length / 2 / sampleRate).toBeGreaterThan(1);
    const loudest = Math.max(...Array.from({ length: pcm.length / 2 }, (_, at) => Math.abs(pcm.readInt16LE(at * 2))));
    expect(loudest).toBeGreaterThan(3_000);
    const heard = await cli('transcribe', file);
    expect(heard).toMatchObject({ code: 0, err: '' });
    expect(share(WEATHER, heard.out.trim().replaceAll('\n', ' ')), heard.out).toBeGreaterThan(0.5);
  });

  it('a voice that there is not ends the stream with what espeak-ng says of it', async () => {
    await startSpeaker();
    const options = { voice_id: 'xx-none' };
    await host.ok('voice.tts_stream.start', { stream_id: 's', text: 'hello', options });
    const { params } = await host.when(() =>
      host.received('voice.event').find(({ params }) => params.type === 'error'),
    );
    expect(params).toMatchObject({ stream_id: 's', code: 'provider_failed' });
    expect(params.message).toMatch(/voice/i);
  });
});
