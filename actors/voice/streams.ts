import type { VoiceKind } from '../../protocol/voice-kinds.ts';
import type { Client } from '../kernel/client.ts';
import { key } from '../kernel/key.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { sees } from '../kernel/sight.ts';
import { voiceOf } from './client-voice.ts';
import type { VoiceStream } from './stream-record.ts';

/** The voice streams of a broker. */
export const VOICE = key<VoiceStreams>('voice');

/** Every voice stream of a broker, until it has ended: by the id of either side. Our own Maps: law 3. */
export class VoiceStreams {
  readonly #byClientsId = { transcribe: new Map<string, VoiceStream>(), speak: new Map<string, VoiceStream>() };
  readonly #byProvidersId = new Map<string, VoiceStream>();

  /** Streams that were opened, by kind. */
  readonly opened: Record<VoiceKind, number> = { transcribe: 0, speak: 0 };
  /** Those that ended, by kind and final state: `transcribe ended`. */
  readonly endings = new Map<string, number>();
  /** Bytes of audio, base64 apart: `in` for providers to transcribe, `out` spoken by them. */
  readonly audioBytes = { in: 0, out: 0 };

  get size(): number {
    return this.#byProvidersId.size;
  }

  [Symbol.iterator](): Iterator<VoiceStream> {
    return this.#byProvidersId.values();
  }

  /** By its {@link VoiceStream.key}. */
  find(kind: VoiceKind, key: string): VoiceStream | undefined {
    return this.#byClientsId[kind].get(key);
  }

  /**
   * The one that a client means by a `session_id` (transcription) or `stream_id` (speech): its principal's own, else one that
   * it sees, by its key. Undefined also where there is one that does not exist for it (`wire.md` section 2).
   */
  meant(kind: VoiceKind, from: Client, id: string): VoiceStream | undefined {
    const own = this.find(kind, agentSessionId(from.principal, id));
    if (own) return own;
    const other = this.find(kind, id);
    return other && sees(from, other.owner, other.agentId) ? other : undefined;
  }

  /** By the id that its provider knows it by, which is its actor's too. */
  ofProvider(id: string): VoiceStream | undefined {
    return this.#byProvidersId.get(id);
  }

  countEnding(kind: VoiceKind, ending: string): void {
    const key = `${kind} ${ending}`;
    this.endings.set(key, (this.endings.get(key) ?? 0) + 1);
  }

  add(stream: VoiceStream): void {
    this.#byClientsId[stream.kind].set(stream.key, stream);
    this.#byProvidersId.set(stream.providerId, stream);
    voiceOf(stream.client).streams.add(stream);
    const { agent } = stream.provider;
    if (!agent) return;
    voiceOf(agent).jobs.add(stream);
    if (stream.kind === 'transcribe') voiceOf(agent).transcriptions += 1;
  }

  delete(stream: VoiceStream): void {
    const byId = this.#byClientsId[stream.kind];
    if (byId.get(stream.key) === stream) byId.delete(stream.key);
    this.#byProvidersId.delete(stream.providerId);
    voiceOf(stream.client).streams.delete(stream);
    const { agent } = stream.provider;
    if (agent && voiceOf(agent).jobs.delete(stream) && stream.kind === 'transcribe') voiceOf(agent).transcriptions -= 1;
  }
}
