import { type AudioFormat, AudioFrameType, encodeAudioFrame } from '../protocol/audio-frame.ts';
import type { OnSpeak, OnTranscribe } from '../protocol/voice-provider.ts';
import { EventQueue } from './event-queue.ts';
import { Pacer } from './pacer.ts';
import type { Peer } from './peer.ts';

/** Audio that may wait to be transcribed: eight minutes of 16,000 samples a second. Bytes. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Larger pieces of speech are cut, so that other frames get between them. Bytes. */
const MAX_PIECE = 256 * 1024;

/** One voice stream on an agent's side: runs its part, and sees to it that its end is told. */
export class VoiceJob {
  readonly streamId: string;
  readonly #peer: Peer;
  readonly #abort = new AbortController();
  readonly #audio = new EventQueue<Uint8Array>(MAX_WAITING);
  readonly #done: Promise<void>;
  #markDone: () => void = () => {};
  #seq = 0n;

  constructor(peer: Peer, streamId: string) {
    this.#peer = peer;
    this.streamId = streamId;
    this.#done = new Promise((resolve) => {
      this.#markDone = resolve;
    });
  }

  /** Rejects with what the agent threw; the broker has been told by then. */
  transcribe(onTranscribe: OnTranscribe, params: { sample_rate: number; channels: number }): Promise<void> {
    const audio = { [Symbol.asyncIterator]: () => ({ next: () => this.#audio.next() }) };
    const { streamId } = this;
    const { signal } = this.#abort;
    const channels = params.channels === 2 ? 2 : 1;
    return this.#run(async (pacer) => {
      for await (const part of onTranscribe({ streamId, sampleRate: params.sample_rate, channels, audio, signal })) {
        if (signal.aborted) return;
        this.#peer.notify('voice.event', { ...part, stream_id: streamId });
        if (pacer.due) await pacer.breathe();
      }
      if (!signal.aborted) this.#peer.notify('voice.event', { stream_id: streamId, type: 'ended' });
    });
  }

  /** See {@link VoiceJob.transcribe}. */
  speak(onSpeak: OnSpeak, { text, voice_id: voiceId }: { text: string; voice_id?: string | undefined }): Promise<void> {
    const { streamId } = this;
    const { signal } = this.#abort;
    return this.#run(async (pacer) => {
      let last: AudioFormat = 'pcm';
      for await (const { format, audio } of onSpeak({ streamId, text, voiceId, signal })) {
        last = format;
        for (let at = 0; at < audio.length; at += MAX_PIECE) {
          if (signal.aborted) return;
          this.#send(AudioFrameType.AudioOut, audio.subarray(at, at + MAX_PIECE), format);
          if (pacer.due) await pacer.breathe();
        }
      }
      if (!signal.aborted) this.#send(AudioFrameType.End, new Uint8Array(), last);
    });
  }

  /** Audio that has come. Too much of it ends the stream: nobody could tell the broker to wait. */
  audio(audio: Uint8Array): void {
    if (this.#abort.signal.aborted || this.#audio.push(audio, audio.length)) return;
    this.#fail(`more than ${MAX_WAITING} bytes of audio were waiting to be transcribed`);
    this.cancel();
  }

  /** No more audio comes. Resolves when the rest is dealt with, and that was told. */
  finish(): Promise<void> {
    this.#audio.end();
    return this.#done;
  }

  /** Nobody waits for the rest. */
  cancel(): void {
    this.#abort.abort();
    this.#audio.discard();
  }

  async #run(work: (pacer: Pacer) => Promise<void>): Promise<void> {
    try {
      await work(new Pacer(() => this.#peer.bufferedAmount, this.#abort.signal));
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#fail(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      this.#audio.discard();
      this.#markDone();
    }
  }

  #fail(message: string): void {
    this.#send(AudioFrameType.Error, new TextEncoder().encode(message), 'pcm');
  }

  #send(type: AudioFrameType, payload: Uint8Array, format: AudioFormat): void {
    this.#peer.sendBinary(encodeAudioFrame({ type, streamId: this.streamId, seq: this.#seq, format, payload }));
    this.#seq += 1n;
  }
}
