import type { JsonObject } from '../../protocol/json.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';
import { segmentOf } from './meeting-text.ts';

/** Where what was said goes to. */
export interface IngestSink {
  /** Takes the text of each `final`, an empty one too, with its speaker and times. It may fail in any way. */
  ingest(segment: TranscriptSegment): unknown;
  /** Hears how `ingest` failed. */
  failed(error: unknown): void;
}

/**
 * What a meeting's events pass on their way to its client (`wire.md` section 11): it looks at each just before the stream
 * sends it on, takes the texts out, and neither throws, nor waits, nor changes anything.
 */
export function ingestSink({ ingest, failed }: IngestSink): (event: JsonObject) => void {
  return (event) => {
    // Its own object, so that nobody can change the event.
    const segment = event.type === 'final' ? segmentOf(event) : undefined;
    if (!segment) return;
    try {
      Promise.resolve(ingest(segment)).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
