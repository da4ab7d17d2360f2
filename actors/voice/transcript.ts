import { isThere } from '../../protocol/json.ts';
import type { TranscribeStopResult, TranscriptSegment } from '../../protocol/voice.ts';
import { jsonBytes } from '../requests/payload-size.ts';

/** The finals of one transcription, for whoever stops it (`wire.md` section 11). The oldest make room. */
export class Transcript {
  readonly #limit: number;
  readonly #segments: { segment: TranscriptSegment; bytes: number }[] = [];
  #bytes = 0;
  #isTruncated = false;

  /** @param limit bytes of JSON. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#segments.length;
  }

  add({ text, start_ms, end_ms, speaker, confidence }: TranscriptSegment): void {
    // The event goes on as it came, and may say by `null` what it does not know.
    const segment: TranscriptSegment = {
      text,
      ...(isThere(start_ms) ? { start_ms } : {}),
      ...(isThere(end_ms) ? { end_ms } : {}),
      ...(isThere(speaker) ? { speaker } : {}),
      ...(isThere(confidence) ? { confidence } : {}),
    };
    const bytes = jsonBytes(segment);
    this.#segments.push({ segment, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#limit) {
      this.#bytes -= this.#segments.shift()?.bytes ?? 0;
      this.#isTruncated = true;
    }
  }

  /** What `voice.transcribe_stream.stop` is answered with. */
  result(sessionId: string): TranscribeStopResult {
    const segments = this.#segments.map(({ segment }) => segment);
    const transcript = segments
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join(' ');
    return { session_id: sessionId, transcript, segments, ...(this.#isTruncated ? { truncated: true as const } : {}) };
  }
}
