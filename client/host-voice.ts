import { decodeAudioFrame } from '../protocol/audio-frame.ts';
import { isObject } from '../protocol/json.ts';
import type { SwitchboardError } from './errors.ts';
import { checkCall } from './known-options.ts';
import type { Peer } from './peer.ts';
import { SpeechRun } from './speech-run.ts';
import { TranscriptionRun } from './transcription-run.ts';
import type { SpeakOptions, Speech, TranscribeOptions, Transcription } from './voice.ts';

/** The voice streams of a host, each on the connection that it was started on. */
export class HostVoice {
  readonly #transcriptions = new Map<string, TranscriptionRun>();
  readonly #speeches = new Map<string, SpeechRun>();

  /** @param meeting where it is a meeting's. */
  transcribe(peer: Peer, options: TranscribeOptions, meeting?: { title: string | undefined }): Transcription {
    checkCall('transcribe', options);
    const run = new TranscriptionRun(peer, options, () => this.#transcriptions.delete(run.sessionId));
    this.#transcriptions.set(run.sessionId, run);
    run.start(meeting);
    return run;
  }

  speak(peer: Peer, text: string, options: SpeakOptions = {}): Speech {
    checkCall('speak', options);
    const run = new SpeechRun(peer, text, options, () => this.#speeches.delete(run.streamId));
    this.#speeches.set(run.streamId, run);
    run.start();
    return run;
  }

  /** `voice.event`; `size` is its frame's length in characters. */
  event(params: unknown, size: number): void {
    if (!isObject(params) || typeof params.type !== 'string') return;
    const { session_id, stream_id, ...event } = params;
    this.#transcriptions.get(String(session_id))?.event(event, size);
    this.#speeches.get(String(stream_id))?.event(event);
  }

  /** A binary frame; one that is none of ours is nothing to act upon. */
  binary(data: Uint8Array): void {
    const frame = decodeAudioFrame(data);
    if (frame) this.#speeches.get(frame.streamId)?.frame(frame);
  }

  /** A connection is over, and with it the streams that were started on it. */
  ended(error: SwitchboardError): void {
    for (const run of [...this.#transcriptions.values(), ...this.#speeches.values()]) run.fail(error);
  }
}
