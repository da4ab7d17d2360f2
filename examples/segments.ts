/** Samples a second. */
export const RATE = 16_000;

/** Loudness is looked at over this many samples: 20 ms. */
const FRAME = RATE / 50;
/** Louder than this is speech, quieter is silence: the root mean square of a frame's samples, of 32,768 at most. */
const LOUD = 250;
/** So much silence ends an utterance. */
const PAUSE = RATE * 0.6;
/** So long is an utterance at most. */
const LONGEST = RATE * 20;

/** A stretch of speech. */
export interface Utterance {
  pcm: Buffer;
  startMs: number;
  endMs: number;
}

/** Cuts mono PCM of {@link RATE}, 16-bit, into utterances, where there is silence between them. */
export class Segments {
  #rest = Buffer.alloc(0);
  #frames: Buffer[] = [];
  /** Samples so far. */
  #at = 0;
  #startedAt = 0;
  #silence = 0;

  /** The utterance that is not over yet: its samples. */
  get length(): number {
    return this.#frames.length * FRAME;
  }

  /** The same, as it is so far. */
  get current(): Buffer {
    return Buffer.concat(this.#frames);
  }

  /** Takes the next piece; gives the utterances that are over by now. */
  *push(pcm: Uint8Array): Generator<Utterance> {
    const all = Buffer.concat([this.#rest, pcm]);
    const size = FRAME * 2;
    let from = 0;
    for (; from + size <= all.length; from += size) {
      const utterance = this.#frame(all.subarray(from, from + size));
      if (utterance) yield utterance;
    }
    this.#rest = all.subarray(from);
  }

  /** No more comes: the last utterance, if there is one. */
  end(): Utterance | undefined {
    return this.#frames.length > 0 ? this.#cut() : undefined;
  }

  #frame(frame: Buffer): Utterance | undefined {
    this.#at += FRAME;
    const isLoud = loudness(frame) > LOUD;
    if (this.#frames.length === 0) {
      if (!isLoud) return undefined;
      this.#startedAt = this.#at - FRAME;
    }
    this.#frames.push(frame);
    this.#silence = isLoud ? 0 : this.#silence + FRAME;
    return this.#silence >= PAUSE || this.length >= LONGEST ? this.#cut() : undefined;
  }

  #cut(): Utterance {
    const pcm = this.current;
    this.#frames = [];
    this.#silence = 0;
    return { pcm, startMs: (this.#startedAt * 1000) / RATE, endMs: (this.#at * 1000) / RATE };
  }
}

function loudness(frame: Buffer): number {
  let sum = 0;
  for (let at = 0; at < frame.length; at += 2) sum += frame.readInt16LE(at) ** 2;
  return Math.sqrt(sum / (frame.length / 2));
}
