import type { JsonObject } from '../../protocol/json.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';

/** What an ingest sink stands between. */
export interface IngestSink {
  /** Takes the text of each `final`, with its speaker and times. It may fail in any way. */
  ingest(segment: TranscriptSegment): unknown;
  /** Where every event goes on to. */
  next(event: JsonObject): void;
  /** Hears how `ingest` failed. */
  failed(error: unknown): void;
}

/**
 * Text in, then every event on: the same object, at once and in order, whatever becomes of the text (`wire.md` section
 * 11). What it gives is what the events go into.
 */
export function ingestSink({ ingest, next, failed }: IngestSink): (event: JsonObject) => void {
  return (event) => {
    const segment = segmentOf(event);
    if (segment) {
      try {
        Promise.resolve(ingest(segment)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
    next(event);
  };
}

/** What a `final` says; its own object, so that nobody can change the event. Silence says nothing. */
function segmentOf({ type, text, start_ms, end_ms, speaker, confidence }: JsonObject): TranscriptSegment | undefined {
  if (type !== 'final' || typeof text !== 'string' || text === '') return undefined;
  return {
    text,
    ...(typeof start_ms === 'number' ? { start_ms } : {}),
    ...(typeof end_ms === 'number' ? { end_ms } : {}),
    ...(typeof speaker === 'string' ? { speaker } : {}),
    ...(typeof confidence === 'number' ? { confidence } : {}),
  };
}
