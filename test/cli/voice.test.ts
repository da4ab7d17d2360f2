import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { BrokerOptions, LocalVoice } from '../../broker.ts';
import { deferred } from '../client/real-broker.ts';
import { readMetric } from '../support/metrics.ts';
import { rawMouth } from '../support/raw-mouth.ts';
import { RealDaemon } from './real-daemon.ts';
import type { TestIo } from './test-io.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sb-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

/** A WAV file, with its head as a test wants it. */
function wav({
  lacking = 0,
  samples = 100,
  tag = 1,
  channels = 1,
  rate = 16_000,
  bits = 16,
  sizes = true,
} = {}): Buffer {
  const data = Buffer.alloc(samples * 2, 1);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(sizes ? 36 + data.length : 0x7ffff024, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(tag, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * 2, 28);
  head.writeUInt16LE(channels * 2, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36);
  head.writeUInt32LE(sizes ? data.length + lacking : 0x7ffff000, 40);
  return Buffer.concat([head, data]);
}

function save(bytes: Buffer): string {
  const file = join(directory, 'in.wav');
  writeFileSync(file, bytes);
  return file;
}

const voice: LocalVoice = {
  async *transcribe({ audio, sampleRate, channels }) {
    let bytes = 0;
    for await (const piece of audio) bytes += piece.length;
    yield { type: 'partial', text: 'a gue' };
    yield { type: 'final', text: `${bytes} bytes \u001b[2J` };
    yield { type: 'final', text: '' };
    yield { type: 'final', text: `${sampleRate} Hz, ${channels}` };
  },
  async *speak({ text, voiceId }) {
    if (voiceId === 'mp3') yield { format: 'mp3', audio: Buffer.from('ID3') };
    else if (voiceId === 'noise') yield { format: 'wav', audio: Buffer.from('no WAV at all') };
    else {
      const bytes = wav({ samples: text.length * 1_000, sizes: false });
      yield { format: 'wav', audio: bytes.subarray(0, 50) };
      yield { format: 'wav', audio: bytes.subarray(50) };
    }
  },
};

async function terminal(options: BrokerOptions = { voice }): Promise<TestIo> {
  return (await RealDaemon.start(options)).io();
}

describe('switchboard transcribe', () => {
  it('prints a line for each final, and nothing else', async () => {
    const io = await terminal();
    expect(await io.run('transcribe', save(wav({ channels: 2, rate: 44_100 })))).toBe(0);
    expect(io.out).toBe('200 bytes \\u001b[2J\n44100 Hz, 2\n');
    expect(io.err).toBe('');
  });

  it('shows partials where a person looks, on the line that the final takes', async () => {
    const io = await terminal();
    io.stderr.isTTY = true;
    expect(await io.run('transcribe', save(wav()))).toBe(0);
    expect(io.err).toContain('\r\u001b[2Ka gue');
    expect(io.out).not.toContain('\r');
  });

  it('--json prints the events as they are', async () => {
    const io = await terminal();
    await io.run('transcribe', save(wav()), '--json');
    const events = io.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(['partial', 'final', 'final', 'final', 'ended']);
  });

  it.each([
    ['is no WAV', Buffer.from('hello, this is a text and no sound at all'), 'is no WAV file'],
    ['has no sound', wav().subarray(0, 36), 'without sound'],
    ['is compressed', wav({ tag: 85 }), 'is format 85, 16 bits, 1 channels, 16000 Hz; it takes PCM of 16 bits'],
    ['has 24 bits', wav({ bits: 24 }), '24 bits'],
    ['has six channels', wav({ channels: 6 }), '6 channels'],
    ['has too high a rate', wav({ rate: 96_000 }), '96000 Hz'],
  ])('a file that %s › says so, with 2', async (_name, bytes, words) => {
    const io = await terminal();
    expect(await io.run('transcribe', save(bytes))).toBe(2);
    expect(io.err).toContain(words);
  });

  it('a file without any sound in it › says so, with 2', async () => {
    const io = await terminal();
    expect(await io.run('transcribe', save(wav({ samples: 0 })))).toBe(2);
    expect(io.err).toContain('without sound');
  });

  it('a file that was cut short › says so, and transcribes what there is', async () => {
    const io = await terminal();
    expect(await io.run('transcribe', save(wav({ lacking: 100 })))).toBe(0);
    expect(io.err).toContain('in.wav ends before its sound does: it was cut short');
    expect(io.out).toContain('200 bytes');
    // One that was streamed says no size, and is whole.
    const other = await terminal();
    expect(await other.run('transcribe', save(wav({ sizes: false })))).toBe(0);
    expect(other.err).toBe('');
  });

  it('a provider that ends before it has heard all › says so, with 1', async () => {
    const hasty: LocalVoice = {
      async *transcribe() {
        yield { type: 'final', text: 'enough' };
      },
    };
    const io = await terminal({ voice: hasty });
    // Longer than what is sent ahead.
    expect(await io.run('transcribe', save(wav({ samples: 90 * 16_000 })))).toBe(1);
    expect(io.out).toBe('enough\n');
    expect(io.err).toContain('the provider ended before it had heard all of it');
  });

  it('a provider that never finishes › is stopped, and it says so, with 1', async () => {
    const silent: LocalVoice = {
      async *transcribe({ signal }) {
        yield { type: 'final', text: 'hello' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const io = await terminal({ voice: silent, limits: { voiceStopTimeoutMs: 1 } });
    expect(await io.run('transcribe', save(wav()), '--patience', '0')).toBe(1);
    expect(io.out).toBe('hello\n');
    expect(io.err).toContain('the provider did not finish');
  });

  it.each(['-1', 'soon', ''])('a patience of %j › is wrong usage', async (patience) => {
    const io = await terminal();
    expect(await io.run('transcribe', save(wav()), '--patience', patience)).toBe(2);
    expect(io.err).toContain('It takes seconds');
  });

  it('a file that is not there › says so, with 2', async () => {
    const io = await terminal();
    expect(await io.run('transcribe', join(directory, 'none.wav'))).toBe(2);
    expect(io.err).toContain('none.wav cannot be read: ENOENT');
  });

  it('without a provider › says how to start one, with 5', async () => {
    const io = await terminal({});
    expect(await io.run('transcribe', save(wav()))).toBe(5);
    expect(io.err).toContain('start one, as examples/transcriber.ts says at its top');
  });

  it('by Ctrl-C › ends with 130', async () => {
    const silent: LocalVoice = {
      async *transcribe({ signal }) {
        yield { type: 'final', text: 'listening' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const io = await terminal({ voice: silent });
    const running = io.run('transcribe', save(wav()));
    await io.shows('listening');
    io.interrupt();
    expect(await running).toBe(130);
  });

  it('a provider that fails › ends with 1 and says so, on a line of its own', async () => {
    const failing: LocalVoice = {
      async *transcribe() {
        yield { type: 'partial', text: 'a gue' };
        throw new Error('oh');
      },
    };
    const io = await terminal({ voice: failing });
    io.stderr.isTTY = true;
    expect(await io.run('transcribe', save(wav()))).toBe(1);
    const [, afterGuess] = io.err.split('a gue\r\u001b[2K');
    expect(afterGuess).toMatch(/^[^\r]*the provider failed\n$/);
  });

  it.each([[[]], [['--json']]])('audio that is lost on its way %j › says so, and ends with 1', async (flags) => {
    const release = deferred();
    const slow: LocalVoice = {
      async *transcribe({ audio }) {
        yield { type: 'partial', text: 'a gue' };
        await release.promise;
        for await (const _ of audio);
      },
    };
    const io = await terminal({ voice: slow, limits: { maxWaitingAudioBytes: 4_000 } });
    io.stderr.isTTY = true;
    const running = io.run('transcribe', save(wav({ samples: 8_000 })), ...flags);
    await io.shows('audio was dropped', flags.length > 0 ? 'out' : 'err');
    release.resolve();
    expect(await running).toBe(1);
    expect(io.err).toContain('not all of it was transcribed');
    if (flags.length === 0) expect(io.err).toContain('a gue\r\u001b[2Kaudio was dropped');
  });

  it('a long file, and a provider that is slow › no more is sent than may wait for it', async () => {
    const release = deferred();
    let heard = 0;
    const slow: LocalVoice = {
      async *transcribe({ audio, sampleRate, channels }) {
        await release.promise;
        for await (const piece of audio) {
          heard += piece.length;
          yield { type: 'final', text: '', end_ms: (heard * 1_000) / (sampleRate * channels * 2) };
        }
      },
    };
    const daemon = await RealDaemon.start({ voice: slow });
    const io = daemon.io();
    const samples = 1_500_000;
    const running = io.run('transcribe', save(wav({ samples, channels: 2, rate: 48_000 })));
    const sent = async () => (await readMetric(daemon.real.broker, 'voice_audio_bytes_total')).in ?? 0;
    while ((await sent()) < 1024 * 1024);
    // It would go on at once, if it went on.
    for (let n = 0; n < 20; n += 1) await sent();
    expect(await sent()).toBeLessThan(2 * 1024 * 1024);
    release.resolve();
    expect(await running).toBe(0);
    expect(io.err).toBe('');
    expect(heard).toBe(samples * 2);
  });
});

describe('switchboard say', () => {
  it('saves a WAV whose sizes are right, and says how long it is', async () => {
    const io = await terminal();
    const file = join(directory, 'out.wav');
    expect(await io.run('say', 'good', 'morning!', '-o', file)).toBe(0);
    expect(io.out).toBe('');
    expect(io.err).toBe(`${file}: 0.8 s, 16000 Hz\n`);
    const bytes = readFileSync(file);
    expect([bytes.readUInt32LE(4), bytes.readUInt32LE(40)]).toEqual([bytes.length - 8, bytes.length - 44]);
    expect(bytes.length).toBe(44 + 'good morning!'.length * 2_000);
  });

  it.each([
    ['mp3', 'the provider speaks mp3, and only wav can be saved', 1],
    ['noise', 'what the provider has sent is no WAV file', 1],
  ])('a provider that sends %s › says so, and saves nothing', async (name, words, exit) => {
    const io = await terminal();
    const file = join(directory, 'out.wav');
    expect(await io.run('say', 'a', '-o', file, '--voice', name)).toBe(exit);
    expect(io.err).toContain(words);
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('a provider that leaves pieces out › says so, with 1, and saves nothing', async () => {
    const daemon = await RealDaemon.start();
    const bytes = wav();
    await rawMouth(daemon.real.broker, [
      { seq: 0, payload: bytes.subarray(0, 100) },
      { seq: 99, payload: bytes.subarray(120) },
    ]);
    const io = daemon.io();
    const file = join(directory, 'out.wav');
    expect(await io.run('say', 'a', '-o', file)).toBe(1);
    expect(io.err).toContain('pieces of the speech are missing');
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('a place that cannot be written › says so, with 1', async () => {
    const io = await terminal();
    expect(await io.run('say', 'a', '-o', join(directory, 'no', 'such', 'out.wav'))).toBe(1);
    expect(io.err).toContain('cannot be written: ENOENT');
  });

  it('nothing to say, or nowhere to › is wrong usage', async () => {
    const io = await terminal();
    expect(await io.run('say', ' ', '-o', 'x.wav')).toBe(2);
    expect(await io.run('say', 'hello')).toBe(2);
  });

  it('without a provider, or one that was named › says how to start one, with 5', async () => {
    const io = await terminal({});
    expect(await io.run('say', 'a', '-o', 'x.wav')).toBe(5);
    expect(io.err).toContain('examples/speaker.ts');
    expect(await io.run('say', 'a', '-o', 'x.wav', '--provider', 'nobody')).toBe(5);
  });
});
