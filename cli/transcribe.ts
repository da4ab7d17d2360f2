import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Host, TranscriptEvent, Transcription } from '../client/node.ts';
import { excerpt } from './excerpt.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { sanitiseLine } from './sanitise.ts';
import { readWav, type Wav } from './wav.ts';
import { type ConnectionFlags, connectionFlags, withHost } from './with-host.ts';

interface TranscribeFlags extends ConnectionFlags {
  provider?: string;
  json?: boolean;
}

/** `switchboard transcribe FILE.wav`. */
export function addTranscribe(program: Command, io: Io): void {
  connectionFlags(program.command('transcribe'))
    .description('turn the speech in a WAV file into text')
    .argument('<file>', 'a WAV file: PCM, 16 bits, 1 or 2 channels, 8000 to 48000 Hz')
    .option('--provider <id>', 'the agent that does it (default: the daemon chooses)')
    .option('--json', 'the events as they are, one a line')
    .addHelpText(
      'after',
      '\nIt needs an agent that can, such as examples/transcriber.ts. What it hears is printed, a line for each utterance.',
    )
    .action((file: string, flags: TranscribeFlags) => transcribe(io, file, flags));
}

async function transcribe(io: Io, file: string, flags: TranscribeFlags): Promise<void> {
  const { provider, json = false, ...connection } = flags;
  const wav = readWav(await read(file), file);
  await withHost(io, connection, (host) => listen(io, host, wav, { provider, json }));
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CliError(Exit.Usage, `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
}

async function listen(io: Io, host: Host, wav: Wav, how: { provider: string | undefined; json: boolean }) {
  const { sampleRate, channels } = wav;
  const output = new Output(io.stdout);
  const stream = host.transcribe({ sampleRate, channels, provider: how.provider });
  let isInterrupted = false;
  const offInterrupt = io.onInterrupt(() => {
    isInterrupted = true;
    void host.close();
  });
  const progress = { heardMs: 0, isOver: false };
  try {
    // Refused at once, it need not be sent at all.
    await stream.started;
    const sending = send(stream, wav, progress);
    for await (const event of stream) await show(io, output, event, how.json, progress);
    progress.isOver = true;
    await sending;
  } catch (error) {
    if (isInterrupted) throw new CliError(Exit.Cancelled);
    throw error;
  } finally {
    progress.isOver = true;
    offInterrupt();
  }
}

/** So much audio goes out ahead of what the provider has dealt with, or of real time. Milliseconds. */
const AHEAD_MS = 60_000;
/** A tenth of a second at a time. */
const PIECES_A_SECOND = 10;

/** Sends the sound, faster than it would be spoken, but not so fast that a long one piles up at the provider. */
async function send(stream: Transcription, { pcm, sampleRate, channels }: Wav, progress: Progress): Promise<void> {
  const since = performance.now();
  const bytesAMs = (sampleRate * channels * 2) / 1000;
  const size = Math.floor(sampleRate / PIECES_A_SECOND) * channels * 2;
  for (let at = 0; at < pcm.length && !progress.isOver; at += size) {
    await stream.write(pcm.subarray(at, at + size));
    while (at / bytesAMs > Math.max(progress.heardMs, performance.now() - since) + AHEAD_MS && !progress.isOver) {
      await sleep(100);
    }
  }
  stream.end();
}

interface Progress {
  /** Until when the provider has heard it all. */
  heardMs: number;
  isOver: boolean;
}

async function show(io: Io, output: Output, event: TranscriptEvent, json: boolean, progress: Progress): Promise<void> {
  if (event.type === 'final') progress.heardMs = event.end_ms ?? 0;
  if (json) return output.write(`${JSON.stringify(event)}\n`);
  if (event.type === 'error' && event.synthesized !== true) tell(io, sanitiseLine(event.message));
  if (event.type === 'partial' && io.stderr.isTTY) {
    // On the line that the final will take.
    const width = (io.stderr.columns ?? 80) - 2;
    io.stderr.write(`${CLEAR}${excerpt(event.text, width)}`);
  } else if (event.type === 'final') {
    if (io.stderr.isTTY) io.stderr.write(CLEAR);
    if (event.text !== '') await output.write(`${sanitiseLine(event.text)}\n`);
  }
}

/** To the beginning of the line, and nothing on it. */
const CLEAR = '\r\u001b[2K';
