import type { EventObject } from 'xstate';
import { AudioFrameType } from '../../protocol/audio-frame.ts';

/** The event types that take no chart step where they are legal (law 2). Of those that may lead somewhere, none. */
export const OFF_CHART: ReadonlySet<string> = new Set([
  ...['turn.event', 'chat.event', 'chat.token', 'chat.event.received', 'chat.frame', 'chat.deliver'],
  ...['audio.received', 'voice.audio', 'stream.audio', 'audio.deliver'],
  ...['voice.event.received', 'voice.event', 'voice.deliver', 'meeting.heard'],
]);

/** Places that {@link placeOfHot} gives. */
export const HOT_TYPES = 15;

interface Carrying extends EventObject {
  params?: { kind?: unknown; type?: unknown };
  /** Of a `chat.frame` that is a token. */
  delta?: unknown;
  /** Of a binary frame that came. */
  frame?: { type?: unknown };
  /** Of a binary frame that goes. */
  data?: Uint8Array;
}

/**
 * By which of its types an event carries a `token`, a piece of audio or a `partial`; -1: none of them. These come in
 * great numbers and are told as bundles then, everything else one by one.
 */
export function placeOfHot(event: Carrying): number {
  const { type } = event;
  if (type === 'chat.token') return 0;
  if (type === 'chat.frame') return event.delta === undefined ? -1 : 5;
  if (event.params?.kind !== 'token') return placeOfVoice(event);
  if (type === 'turn.event') return 1;
  if (type === 'chat.event') return 2;
  if (type === 'chat.event.received') return 3;
  return type === 'chat.deliver' ? 4 : -1;
}

function placeOfVoice({ type, params, frame, data }: Carrying): number {
  switch (type) {
    case 'audio.received':
      return isAudio(frame?.type) ? 6 : -1;
    case 'voice.audio':
      return isAudio(frame?.type) ? 7 : -1;
    case 'audio.deliver':
      return isAudio(data?.[0]) ? 8 : -1;
    case 'stream.audio':
      return 9;
    case 'stream.chunk':
      return 10;
    case 'voice.event.received':
      return isPassing(params?.type) ? 11 : -1;
    case 'voice.event':
      return isPassing(params?.type) ? 12 : -1;
    case 'stream.event':
      return isPassing(params?.type) ? 13 : -1;
    case 'voice.deliver':
      return isPassing(params?.type) ? 14 : -1;
    default:
      return -1;
  }
}

/** Not a frame that ends a stream. */
function isAudio(type: unknown): boolean {
  return type === AudioFrameType.AudioIn || type === AudioFrameType.AudioOut;
}

function isPassing(type: unknown): boolean {
  return type === 'partial' || type === 'tts_chunk';
}
