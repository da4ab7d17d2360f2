import { decodeAudioFrame } from '../protocol/audio-frame.ts';
import { dropNulls, VOICE_EVENT_OPTIONALS } from '../protocol/event-optionals.ts';
import { isObject } from '../protocol/json.ts';
import { ProtocolError, type SwitchboardError } from './errors.ts';
import type { Peer } from './peer.ts';
import { misfits } from './shape.ts';
import { SpeechRun } from './speech-run.ts';
import { TranscriptionRun } from './transcription-run.ts';
import type { SpeakOptions, Speech, TranscribeOptions, Transcription } from './voice.ts';

/** What a host loads for voice, when it is first asked for that: its streams, each on the connection that it was started on. */
export class HostVoice {
  readonly #transcriptions = new Map<string, TranscriptionRun>();
  readonly #speeches = new Map<string, SpeechRun>();

  /** @param meeting where it is a meeting's. */
  transcribe(
    peer: Peer,
    id: string,
    options: TranscribeOptions,
    meeting?: { title: string | undefined },
  ): Transcription {
    const run = new TranscriptionRun(peer, id, options, () => this.#transcriptions.delete(run.sessionId));
    this.#transcriptions.set(run.sessionId, run);
    run.start(options, meeting);
    return run;
  }

  speak(peer: Peer, id: string, text: string, options: SpeakOptions): Speech {
    const run = new SpeechRun(peer, id, options, () => this.#speeches.delete(run.streamId));
    this.#speeches.set(run.streamId, run);
    run.start(text, options);
    return run;
  }

  /** `voice.event`; `size` is its frame's length in characters. */
  event(params: unknown, size: number): void {
    if (!isObject(params) || typeof params.type !== 'string') return;
    const { session_id, stream_id, ...event } = params;
    dropNulls(event, VOICE_EVENT_OPTIONALS[params.type]);
    const transcription = this.#transcriptions.get(session_id as string);
    const issues = event.type === 'partial' || event.type === 'final' ? misfits(event, { text: 'string' }) : [];
    if (issues.length > 0) transcription?.fail(new ProtocolError('an event of the broker', issues));
    else transcription?.event(event, size);
    this.#speeches.get(stream_id as string)?.event(event);
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
