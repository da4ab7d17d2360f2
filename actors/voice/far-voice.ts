import type { AudioFrame } from '../../protocol/audio-frame.ts';
import type { ProviderEvent } from '../../protocol/voice.ts';
import type { VoiceKind } from '../../protocol/voice-kinds.ts';
import type { Client } from '../kernel/client.ts';
import { key } from '../kernel/key.ts';
import type { VoiceProvider } from './provider.ts';

/** Providers that are attached to other brokers, and what this one's agents do for streams of others. */
export interface FarVoice {
  /** An agent as a provider that is attached to another broker; undefined: to none that can be reached. */
  provider(agentKey: string, agentId: string): VoiceProvider | undefined;
  /** What an agent here says of a stream. @returns whether it is another broker's, and that agent's */
  event(from: Client, params: ProviderEvent): boolean;
  audio(from: Client, frame: AudioFrame): boolean;
  /** An agent's connection here is gone. */
  agentGone(from: Client): void;
  /** How many streams of other brokers an agent here works on. */
  jobsOf(agentId: string, tenant: string, kind: VoiceKind): number;
}

/** See {@link FarVoice}. */
export const FAR_VOICE = key<FarVoice>('voice at other brokers');
