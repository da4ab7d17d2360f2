import type { VoiceKind } from '../../protocol/voice.ts';
import type { VoiceStream } from './stream-record.ts';

/** Every voice stream of a broker, until it has ended: by the id of either side. Our own Maps: law 3. */
export class VoiceStreams {
  readonly #byClientsId = { transcribe: new Map<string, VoiceStream>(), speak: new Map<string, VoiceStream>() };
  readonly #byProvidersId = new Map<string, VoiceStream>();

  get size(): number {
    return this.#byProvidersId.size;
  }

  [Symbol.iterator](): Iterator<VoiceStream> {
    return this.#byProvidersId.values();
  }

  /** By its `session_id` (transcription) or `stream_id` (speech). */
  find(kind: VoiceKind, id: string): VoiceStream | undefined {
    return this.#byClientsId[kind].get(id);
  }

  /** By the id that its provider knows it by, which is its actor's too. */
  ofProvider(id: string): VoiceStream | undefined {
    return this.#byProvidersId.get(id);
  }

  add(stream: VoiceStream): void {
    this.#byClientsId[stream.kind].set(stream.id, stream);
    this.#byProvidersId.set(stream.providerId, stream);
    stream.client.voiceStreams.add(stream);
    const { agent } = stream.provider;
    agent?.voiceJobs.add(stream);
    if (agent && stream.kind === 'transcribe') agent.transcriptions += 1;
  }

  delete(stream: VoiceStream): void {
    const byId = this.#byClientsId[stream.kind];
    if (byId.get(stream.id) === stream) byId.delete(stream.id);
    this.#byProvidersId.delete(stream.providerId);
    stream.client.voiceStreams.delete(stream);
    const { agent } = stream.provider;
    if (agent?.voiceJobs.delete(stream) && stream.kind === 'transcribe') agent.transcriptions -= 1;
  }
}
