import type { Client } from '../kernel/client.ts';
import { LazySet } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import type { VoiceStream } from './stream-record.ts';

/** What a connection has to do with voice. */
class ClientVoice {
  /** Streams that it started. */
  readonly streams = new LazySet<VoiceStream>();
  /** Streams that it works on, as a provider. */
  readonly jobs = new LazySet<VoiceStream>();
  /** How many of those are transcriptions: they share the room for audio. */
  transcriptions = 0;
}

const voice = slot(() => new ClientVoice());

/** A connection's streams. */
export const voiceOf = (client: Client): ClientVoice => voice.of(client);
