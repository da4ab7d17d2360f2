/**
 * Turns PCM of one rate, 16-bit signed little-endian, into mono PCM of another, piece by piece: the pieces may be cut
 * anywhere. To a lower rate each sample is the mean of the time that it covers, to a higher one it lies on the line
 * between its neighbours: good enough for speech.
 */
export class Resampler {
  /** Input samples in the time of one output sample. */
  readonly #step: number;
  readonly #channels: number;
  /** What was left of the last piece: less than a sample of each channel. */
  #rest = new Uint8Array();
  /** Of the output: where the next sample is, counted in input samples from the present one's beginning. */
  #left: number;
  #sum = 0;
  #before = 0;
  #isFirst = true;

  /** @param from samples a second of the input. @param to of the output. @param channels of the input, interleaved. */
  constructor(from: number, to: number, channels: 1 | 2 = 1) {
    this.#step = from / to;
    this.#channels = channels;
    this.#left = this.#step >= 1 ? this.#step : 0;
  }

  /** The next piece. */
  push(pcm: Uint8Array): Uint8Array {
    const input = this.#samples(pcm);
    const output: number[] = [];
    for (const sample of input) {
      if (this.#step >= 1) this.#average(sample, output);
      else this.#interpolate(sample, output);
    }
    const bytes = new DataView(new ArrayBuffer(output.length * 2));
    for (const [at, sample] of output.entries()) bytes.setInt16(at * 2, Math.round(sample), true);
    return new Uint8Array(bytes.buffer);
  }

  /** Adds one input sample to the output sample that it falls into, in part to the next. */
  #average(sample: number, output: number[]): void {
    if (this.#left > 1) {
      this.#sum += sample;
      this.#left -= 1;
      return;
    }
    output.push((this.#sum + sample * this.#left) / this.#step);
    this.#sum = sample * (1 - this.#left);
    this.#left += this.#step - 1;
  }

  #interpolate(sample: number, output: number[]): void {
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#before = sample;
      return;
    }
    for (; this.#left < 1; this.#left += this.#step) {
      output.push(this.#before + (sample - this.#before) * this.#left);
    }
    this.#left -= 1;
    this.#before = sample;
  }

  /** Whole samples, the channels of each mixed to one. */
  #samples(pcm: Uint8Array): number[] {
    const all = new Uint8Array(this.#rest.length + pcm.length);
    all.set(this.#rest);
    all.set(pcm, this.#rest.length);
    const size = this.#channels * 2;
    const count = Math.floor(all.length / size);
    this.#rest = all.slice(count * size);
    const view = new DataView(all.buffer);
    return Array.from({ length: count }, (_, at) => {
      const first = view.getInt16(at * size, true);
      return this.#channels === 1 ? first : (first + view.getInt16(at * size + 2, true)) / 2;
    });
  }
}
