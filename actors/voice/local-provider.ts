import type { AnyActorRef } from 'xstate';
import { AUDIO_FORMATS } from '../../protocol/audio-frame.ts';
import { EventFault } from '../../protocol/event-fault.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { LOCAL_PROVIDER, type ProviderEvent, readProviderEvent, type VoiceStopReason } from '../../protocol/voice.ts';
import type { VoiceKind } from '../../protocol/voice-kinds.ts';
import type { OnSpeak, OnTranscribe, TranscriptPart } from '../../protocol/voice-provider.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { AudioQueue } from './audio-queue.ts';
import type { VoiceProvider } from './provider.ts';
import { Slices } from './slices.ts';
import type { VoiceStream } from './stream-record.ts';

/** A provider of the embedder's own, inside the broker's process (`wire.md` section 11). It goes by `local`. */
export interface LocalVoice {
  /** Transcribes. Left out: it does not. */
  transcribe?: OnTranscribe;
  /** Speaks. Left out: it does not. */
  speak?: OnSpeak;
}

/** Speech is cut into pieces of so many bytes, and read on while less than that waits for its client. */
const MAX_PIECE = 32 * 1024;
const MAX_AHEAD = 64 * 1024;

interface Job {
  audio: AudioQueue;
  abort: AbortController;
}

/** The embedder's own provider. */
export const LOCAL_VOICE = key<LocalProvider>('the voice provider of the embedder');

/** {@link LocalVoice} as a provider: what its functions yield, its streams' actors hear. */
export class LocalProvider implements VoiceProvider {
  readonly id = LOCAL_PROVIDER;
  readonly #voice: LocalVoice;
  readonly #log: Kernel['log'];
  readonly #limits: Kernel['limits'];
  readonly #jobs = new WeakMap<VoiceStream, Job>();

  constructor(voice: LocalVoice, { log, limits }: Pick<Kernel, 'log' | 'limits'>) {
    this.#voice = voice;
    this.#log = log;
    this.#limits = limits;
  }

  offers(kind: VoiceKind): boolean {
    return this.#voice[kind] !== undefined;
  }

  start(stream: VoiceStream, self: AnyActorRef): void {
    const job = { audio: new AudioQueue(), abort: new AbortController() };
    this.#jobs.set(stream, job);
    this.#answer(stream, self);
    void this.#run(stream, job, self);
  }

  finish(stream: VoiceStream): void {
    // Its end is its answer.
    this.#jobs.get(stream)?.audio.end();
  }

  cancel(stream: VoiceStream, _self: AnyActorRef, reason: VoiceStopReason): void {
    const job = this.#jobs.get(stream);
    job?.audio.discard();
    job?.abort.abort(reason);
    stream.waiting.release();
  }

  audio(stream: VoiceStream, _self: AnyActorRef, audio: Uint8Array): void {
    // The frame that it came in is not ours to keep.
    this.#jobs.get(stream)?.audio.push(audio.slice());
  }

  forget(): void {}

  waitingBytes(stream: VoiceStream): number {
    return this.#jobs.get(stream)?.audio.bytes ?? 0;
  }

  roomFor(stream: VoiceStream): number {
    // Nobody else's waits in the same queue.
    return this.#limits.maxWaitingAudioBytes - this.waitingBytes(stream);
  }

  #answer(stream: VoiceStream, self: AnyActorRef): void {
    tell(self, self, { type: 'call.answered', id: stream.providerId, answer: { result: { accepted: true } } });
  }

  /** Never rejects: what the embedder's code throws ends this stream alone, and its detail is logged, never sent. */
  async #run(stream: VoiceStream, { audio, abort }: Job, self: AnyActorRef): Promise<void> {
    const { signal } = abort;
    const { task } = stream.spec;
    const streamId = stream.providerId;
    const slices = new Slices();
    try {
      // Not from inside the call that starts it.
      await Promise.resolve();
      if (task.kind === 'transcribe') {
        const { sample_rate: sampleRate, channels } = task.source;
        for await (const part of this.#voice.transcribe?.({ streamId, sampleRate, channels, audio, signal }) ?? []) {
          if (signal.aborted) return;
          tell(self, self, { type: 'voice.event', params: eventOf(part, streamId) });
          await slices.pause();
        }
      } else {
        const { text, voiceId } = task;
        for await (const { format, audio: piece } of this.#voice.speak?.({ streamId, text, voiceId, signal }) ?? []) {
          if (signal.aborted) return;
          if (!AUDIO_FORMATS.includes(format)) throw new TypeError('not a format of audio');
          if (!(piece instanceof Uint8Array)) throw new TypeError('not a piece of audio');
          for (let at = 0; at === 0 || at < piece.length; at += MAX_PIECE) {
            if (signal.aborted) return;
            tell(self, self, {
              type: 'stream.chunk',
              format,
              audio: new Uint8Array(piece.subarray(at, at + MAX_PIECE)),
            });
            await stream.waiting.below(MAX_AHEAD, signal);
            await slices.pause();
          }
        }
      }
      tell(self, self, { type: 'provider.ended' });
    } catch (err) {
      if (signal.aborted) return;
      this.#log.error({ err, stream: streamId }, 'the embedder’s voice provider failed');
      tell(self, self, { type: 'stream.fail', code: 'provider_failed', message: 'the provider failed' });
    }
  }
}

/**
 * What an embedder's function has yielded, as an event. A copy, which can be written as JSON: agents' events come as such,
 * these are whatever they are.
 * @throws {TypeError} where it is no part of a transcript.
 */
function eventOf(part: TranscriptPart, streamId: string): ProviderEvent {
  const read = readProviderEvent(parseJson(writeJson({ ...part, stream_id: streamId })));
  const params = read instanceof EventFault ? read.event : read;
  // Its end is the function's own.
  if (params?.type !== 'partial' && params?.type !== 'final') throw new TypeError('not a whole part of a transcript');
  return params;
}
