import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectAgent } from '../../client/node.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, DIST, Program, run } from './support/program.ts';

const MEETING = `${DIST}/examples/meeting.js`;

/** A second of sound, 16-bit, one channel. */
const SECOND = (rate: number) => Buffer.alloc(rate * 2, 1);

/** A WAV file of one second. */
function wavOf(rate: number, channels = 1): Buffer {
  const sound = SECOND(rate);
  const head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + sound.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(sound.length, 40);
  return Buffer.concat([head, sound]);
}

describe('examples/meeting.ts', () => {
  let daemon: Daemon;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    daemon = await startDaemon();
    env = { SWITCHBOARD_URL: daemon.url, SWITCHBOARD_AUTH_TOKEN: daemon.tokens.daemon };
    const manager = await daemon.manager();
    const capabilities = ['voice.transcribe'];
    const { token } = await manager.ok('agents.upsert', { id: 'clerk', capabilities });
    const clerk = await connectAgent({
      url: daemon.url,
      agentId: 'clerk',
      token,
      onChat: async ({ prompt }) => `${prompt.includes('16000 a second') ? 'All' : 'Nothing'} was said.`,
      // A line for each second, so that a meeting which goes on can be seen to.
      async *onTranscribe({ audio, sampleRate }) {
        let bytes = 0;
        for await (const piece of audio) {
          bytes += piece.length;
          if (bytes % (sampleRate * 2) === 0) yield { type: 'final', text: `${bytes} bytes, ${sampleRate} a second` };
        }
      },
    });
    own(() => clerk.close());
  });

  it('takes a microphone, prints what is heard while it is on, and keeps it when it ends', async () => {
    const program = new Program([MEETING, '--summarizer', 'clerk'], env);
    program.child.stdin?.write(SECOND(16_000));
    await program.shows('32000 bytes, 16000 a second');
    program.child.stdin?.end(SECOND(16_000));
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.out).toContain('64000 bytes, 16000 a second');
    expect(program.out).toContain('Summary: All was said.');
    expect(program.err).toBe('');
    const [, id = ''] = /^(\S+): \d+ characters$/m.exec(program.out) ?? [];
    const shown = await run([CLI, 'meetings', 'show', id], env);
    expect(shown.out).toContain('64000 bytes, 16000 a second');
  });

  it('ends when it is told to by Ctrl-C, and loses nothing', async () => {
    const program = new Program([MEETING], env);
    program.child.stdin?.write(SECOND(16_000));
    await program.shows('32000 bytes, 16000 a second');
    program.child.kill('SIGINT');
    program.child.stdin?.end();
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.out).toMatch(/: \d\d+ characters/);
  });

  it('takes a WAV file, of its own rate', async () => {
    const file = join(temporaryDirectory(), 'talk.wav');
    writeFileSync(file, wavOf(22_050));
    const { code, out, err } = await run([MEETING, file], env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('44100 bytes, 22050 a second');
  });

  it('says what it cannot take', async () => {
    const file = join(temporaryDirectory(), 'stereo.wav');
    writeFileSync(file, wavOf(16_000, 2));
    const { code, err } = await run([MEETING, file], env);
    expect(code).toBe(1);
    expect(err).toContain('2 channels of 16 bits; it takes 1 of 16');
  });
});
