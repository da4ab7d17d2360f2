import { type AudioFormat, type AudioFrame, AudioFrameType } from '../protocol/audio-frame.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { SpeechPart } from '../protocol/voice-provider.ts';
import type { Peer } from './peer.ts';
import { type SpeakOptions, type Speech, VoiceError } from './voice.ts';
import { VoiceRun } from './voice-run.ts';
import { wordOf } from './word-of.ts';

/** How much may wait to be read unless told otherwise. Bytes of audio. */
const DEFAULT_BUFFER_LIMIT = 64 * 1024 * 1024;

/** A {@link Speech} from the inside. */
export class SpeechRun extends VoiceRun<SpeechPart> implements Speech {
  readonly streamId: string;
  /** The number of the next piece. */
  #nextSeq = 0n;
  #isGappy = false;

  constructor(peer: Peer, id: string, { bufferLimit = DEFAULT_BUFFER_LIMIT }: SpeakOptions, forget: () => void) {
    super(peer, bufferLimit, 'the audio of a stream', forget);
    this.streamId = id;
  }

  start(text: string, { provider, voiceId: voice_id }: SpeakOptions): void {
    const options = { provider, voice_id, binary_frames: true };
    this.ask('voice.tts_stream.start', { stream_id: this.streamId, text, options });
  }

  async cancel(): Promise<boolean> {
    const result = await this.peer.request('voice.tts_stream.cancel', { stream_id: this.streamId });
    return (result as { cancelled: boolean }).cancelled;
  }

  async audio(): Promise<{ format: AudioFormat; audio: Uint8Array }> {
    const pieces: Uint8Array[] = [];
    let format: AudioFormat | undefined;
    for await (const piece of this) {
      format ??= piece.format;
      if (piece.format !== format) throw new VoiceError(`the provider went from ${format} to ${piece.format} midway`);
      pieces.push(piece.audio);
    }
    this.checkWhole();
    if (this.#isGappy) throw new VoiceError('pieces of the speech are missing: the provider left numbers out');
    if (format === undefined) throw new VoiceError('the provider has sent no audio');
    const audio = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      audio.set(piece, at);
      at += piece.length;
    }
    return { format, audio };
  }

  event({ type, message, code, synthesized }: JsonObject): void {
    if (type === 'ended') this.finish({});
    else if (type === 'error' && synthesized === true) {
      this.finish({ error: new VoiceError(wordOf(message), wordOf(code)) });
    }
  }

  frame({ type, seq, format, payload: audio }: AudioFrame): void {
    if (seq !== this.#nextSeq) this.#isGappy = true;
    this.#nextSeq = seq + 1n;
    if (type === AudioFrameType.AudioOut) this.push({ format, audio }, audio.length);
  }

  protected override leave(): Promise<unknown> {
    return this.cancel();
  }
}
