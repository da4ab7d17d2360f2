import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, TranscriptEvent, Transcription } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { visibleAnswerLine } from '../protocol/visible-answer.ts';
import { AUDIO_LOST } from '../protocol/voice.ts';
import { excerpt } from './excerpt.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { readWav, type Wav } from './wav.ts';
import { type ConnectionFlags, jsonText, withHost } from './with-host.ts';

/** The flags of `transcribe`. */
export interface TranscribeFlags extends ConnectionFlags {
  provider?: string;
  json?: boolean;
  patience: number;
}

/** What `switchboard transcribe FILE.wav` does. */
export async function runTranscription(io: Io, file: string, flags: TranscribeFlags): Promise<void> {
  const { provider, json = false, patience, ...connection } = flags;
  const wav = readWav(await read(file), file);
  if (wav.isCut) tell(io, `${file} ends before its sound does: it was cut short`);
  await withHost(io, connection, (host) => listen(io, host, wav, { provider, json, patienceMs: patience * 1_000 }));
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CliError(Exit.Usage, `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
}

interface How {
  provider: string | undefined;
  json: boolean;
  patienceMs: number;
}

async function listen(io: Io, host: Host, wav: Wav, how: How): Promise<void> {
  const { sampleRate, channels } = wav;
  const output = new Output(io.stdout);
  const stream = host.transcribe({ sampleRate, channels, provider: how.provider });
  let isInterrupted = false;
  const offInterrupt = io.onInterrupt(() => {
    isInterrupted = true;
    void host.close();
  });
  const progress: Progress = { heardMs: 0, isOver: false, hasGuess: false, isLossy: false, isSent: false };
  const patience = new Patience(stream, how.patienceMs);
  try {
    // Refused at once, it need not be sent at all.
    await stream.started;
    const sending = send(stream, wav, progress).then(() => patience.begin());
    for await (const event of stream) {
      patience.heard();
      // What had been sent when it ended, and not what was on its way meanwhile.
      if (event.type === 'ended') progress.isOver = true;
      await show(io, output, event, how.json, progress);
    }
    // A loop ends with its host, and says nothing of it.
    if (isInterrupted) throw new CliError(Exit.Cancelled);
    progress.isOver = true;
    const wasSent = progress.isSent;
    await sending;
    if (!wasSent) throw new CliError(Exit.Failed, 'the provider ended before it had heard all of it');
    if (patience.isOver) throw new CliError(Exit.Failed, 'the provider did not finish: this is what there is');
    if (progress.isLossy) throw new CliError(Exit.Failed, 'not all of it was transcribed');
  } catch (error) {
    if (isInterrupted) throw new CliError(Exit.Cancelled);
    throw error;
  } finally {
    progress.isOver = true;
    patience.end();
    clearGuess(io, progress);
    offInterrupt();
  }
}

/** So much audio goes out ahead of what the provider has dealt with, or of real time. Milliseconds. */
const AHEAD_MS = 60_000;
/** The same in bytes, whatever the sound's rate: less than what the daemon lets wait. */
const AHEAD_BYTES = 1024 * 1024;
/** A tenth of a second at a time. */
const PIECES_A_SECOND = 10;

/** Sends the sound, faster than it would be spoken, but not so fast that a long one piles up at the provider. */
async function send(stream: Transcription, { pcm, sampleRate, channels }: Wav, progress: Progress): Promise<void> {
  const since = performance.now();
  const bytesAMs = (sampleRate * channels * 2) / 1000;
  const aheadMs = Math.min(AHEAD_MS, AHEAD_BYTES / bytesAMs);
  const size = Math.floor(sampleRate / PIECES_A_SECOND) * channels * 2;
  for (let at = 0; at < pcm.length && !progress.isOver; at += size) {
    await stream.write(pcm.subarray(at, at + size));
    while (at / bytesAMs > Math.max(progress.heardMs, performance.now() - since) + aheadMs && !progress.isOver) {
      await sleep(100);
    }
  }
  progress.isSent = !progress.isOver;
  stream.end();
}

/** Stops a stream whose provider has all of the sound, and says nothing for too long: the daemon would wait much longer. */
class Patience {
  readonly #stream: Transcription;
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;
  /** Whether it was stopped. */
  isOver = false;

  constructor(stream: Transcription, ms: number) {
    this.#stream = stream;
    this.#ms = ms;
  }

  begin(): void {
    if (this.#isEnded) return;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#stream.stop().catch(() => {});
    }, this.#ms);
  }

  heard(): void {
    if (!this.isOver) this.#timer?.refresh();
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
  }
}

interface Progress {
  /** Until when the provider has heard it all. */
  heardMs: number;
  isOver: boolean;
  /** A partial stands on the terminal's last line. */
  hasGuess: boolean;
  /** Audio was lost on its way. */
  isLossy: boolean;
  /** All of the sound went out before the provider ended. */
  isSent: boolean;
}

async function show(io: Io, output: Output, event: TranscriptEvent, json: boolean, progress: Progress): Promise<void> {
  const isLoss = event.type === 'error' && event.synthesized === true && AUDIO_LOST.has(String(event.code));
  if (isLoss) progress.isLossy = true;
  if (event.type === 'final') progress.heardMs = Math.max(progress.heardMs, event.end_ms ?? 0);
  if (json) return output.write(`${jsonText(event)}\n`);
  if (event.type === 'partial') {
    if (!io.stderr.isTTY) return;
    // On the line that the final will take.
    const width = (io.stderr.columns ?? 80) - 2;
    io.stderr.write(`${CLEAR}${excerpt(event.text, width)}`);
    progress.hasGuess = true;
    return;
  }
  clearGuess(io, progress);
  // After any other error of the daemon's own the stream is over, and reading it throws.
  if (event.type === 'error' && (isLoss || event.synthesized !== true)) tell(io, visibleLine(event.message));
  if (event.type === 'final' && event.text !== '') await output.writeVisible(`${visibleAnswerLine(event.text)}\n`);
}

function clearGuess(io: Io, progress: Progress): void {
  if (progress.hasGuess) io.stderr.write(CLEAR);
  progress.hasGuess = false;
}

/** To the beginning of the line, and nothing on it. */
const CLEAR = '\r\u001b[2K';
