import type { AnyStateNode, EventObject } from 'xstate';
import { AudioFrameType } from '../../protocol/audio-frame.ts';
import type { Chart } from '../requests/family.ts';

/**
 * Whether this is a token on its way, by the names that most of them go by: for whoever has to let them pass without looking
 * at anything else. One that is not plain goes by others.
 */
export function isToken(event: Carrying): boolean {
  const { type } = event;
  return type === 'chat.token' || (type === 'chat.event' && event.params?.kind === 'token');
}

/** The event types that charts hear off the chart, read from the charts themselves. */
export class HotTypes {
  readonly #places: ReadonlyMap<string, number>;
  readonly #offChart: ReadonlySet<string>;

  constructor(charts: readonly Chart[]) {
    const types = [...new Set(charts.flatMap(({ hot = {} }) => Object.keys(hot)))];
    this.#places = new Map(types.map((type, place) => [type, place]));
    const isOff = (type: string) => !charts.some(({ hot = {}, machine }) => type in hot && leadsOn(machine.root, type));
    this.#offChart = new Set(types.filter(isOff));
  }

  /** Places that {@link placeOf} gives. */
  get size(): number {
    return this.#places.size;
  }

  /** Whether it takes no chart step where it is legal (law 2), and nowhere leads on to another live state. */
  isOffChart(type: string): boolean {
    return this.#offChart.has(type);
  }

  /**
   * The place of an event's type, where it carries a `token`, a piece of audio or a `partial`; -1: none of them. These
   * come in great numbers and are told as bundles then, everything else one by one.
   */
  placeOf(event: Carrying): number {
    const place = this.#places.get(event.type);
    return place !== undefined && isPassing(event) ? place : -1;
  }
}

function leadsOn(node: AnyStateNode, type: string): boolean {
  const targets = (node.transitions.get(type) ?? []).flatMap(({ target }) => (target ?? []) as AnyStateNode[]);
  const inner = Object.values(node.states as Record<string, AnyStateNode>);
  return targets.some((target) => target.type !== 'final') || inner.some((one) => leadsOn(one, type));
}

interface Carrying extends EventObject {
  /** Of a plain token. */
  token?: unknown;
  /** Of a frame that is a token. */
  delta?: unknown;
  params?: { kind?: unknown; type?: unknown };
  /** Of a binary frame that came. */
  frame?: { type?: unknown };
  /** Of a binary frame that goes. */
  data?: Uint8Array;
  /** Of audio that is in no frame any more. */
  audio?: unknown;
}

function isPassing({ token, delta, params, frame, data, audio }: Carrying): boolean {
  if (params !== undefined) return params.kind === 'token' || params.type === 'partial' || params.type === 'tts_chunk';
  if (frame !== undefined) return isAudio(frame.type);
  if (data !== undefined) return isAudio(data[0]);
  return token !== undefined || delta !== undefined || audio !== undefined;
}

/** Not a frame that ends a stream. */
function isAudio(type: unknown): boolean {
  return type === AudioFrameType.AudioIn || type === AudioFrameType.AudioOut;
}
