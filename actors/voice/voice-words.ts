import type { VoiceKind } from '../../protocol/voice-kinds.ts';

/** What brokers say to each other of voice: to the provider's, and from there. */
export const VoiceWord = {
  start: 'voice.start',
  say: 'voice.say',
  audioIn: 'voice.in',
  forget: 'voice.forget',
  took: 'voice.took',
  event: 'voice.said',
  audioOut: 'voice.out',
  failed: 'voice.failed',
} as const;

/** How a provider is asked to begin. */
export interface FarStart {
  stream_id: string;
  agent: string;
  kind: VoiceKind;
  method: string;
  params: object;
}
