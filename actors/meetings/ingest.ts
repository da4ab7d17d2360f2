import { setImmediate as nextRound } from 'node:timers/promises';
import { isThere, type JsonObject } from '../../protocol/json.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { MEMORY } from '../memory/facts.ts';
import { keepFact } from '../memory/scope.ts';
import { inTime } from '../requests/answer-later.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { ingestSink } from './ingest-sink.ts';
import type { Meeting } from './meeting-record.ts';
import { nameOf } from './meeting-store.ts';
import { MEETINGS } from './meetings.ts';

/** What a text counts for besides its JSON: most are short. */
const TEXT_BYTES = 128;
/** What a memory is told before it has taken the last: one that writes to a disk does so for all of them together. */
const AT_ONCE = { texts: 32, bytes: 16 * 1024 };

/** The sink that one meeting's events pass: what is said goes to its record, and into the memory of whoever holds it. */
export function sinkOf(kernel: Kernel, meeting: Meeting): (event: JsonObject) => void {
  return ingestSink({
    ingest: (segment) => {
      const { ref, stream } = meeting;
      // It is the stream that speaks: whoever watches sees where it comes from.
      if (ref) tell(stream?.ref ?? kernel.ref, ref, { type: 'meeting.heard', segment });
      // Silence is no fact.
      if (segment.text !== '') queue(kernel, meeting, segment);
    },
    failed: (err) => lose(kernel, meeting, err),
  });
}

/** The memory may be slow, and all of a meeting may come at once: it waits, up to a bound. */
function queue(kernel: Kernel, meeting: Meeting, segment: TranscriptSegment): void {
  const { ingest, client } = meeting;
  const { maxIngestingBytes, maxAllIngestingBytes } = kernel.limits;
  if (!hasMemory(client)) return;
  const bytes = jsonBytes(segment) + TEXT_BYTES;
  if (ingest.bytes + bytes > maxIngestingBytes) throw new Error('the memory has too much of this meeting before it');
  if (kernel.get(MEETINGS).ingestingBytes + bytes > maxAllIngestingBytes) {
    throw new Error('the memory has too much of all meetings before it');
  }
  kernel.get(MEETINGS).ingestingBytes += bytes;
  ingest.add({ segment, bytes });
  if (!ingest.isBusy) void workOff(kernel, meeting);
}

/** In order, and after the meeting's end, too. Never rejects. */
async function workOff(kernel: Kernel, meeting: Meeting): Promise<void> {
  const { ingest } = meeting;
  ingest.isBusy = true;
  for (let next = ingest.take(AT_ONCE); next.length > 0; next = ingest.take(AT_ONCE)) {
    await Promise.all(
      next.map(({ segment }) => remember(kernel, meeting, segment).catch((error) => lose(kernel, meeting, error))),
    );
    for (const text of next) {
      ingest.done(text);
      kernel.get(MEETINGS).ingestingBytes -= text.bytes;
    }
    await nextRound();
  }
  ingest.isBusy = false;
}

async function remember(kernel: Kernel, { client, head }: Meeting, segment: TranscriptSegment): Promise<void> {
  if (!hasMemory(client)) return;
  const { text, speaker, start_ms, end_ms } = segment;
  const fact = {
    subject: head.title === null ? nameOf(head) : `${head.title} (${nameOf(head)})`,
    body: text,
    kind: 'meeting',
    ...(isThere(speaker) ? { speaker } : {}),
    ...(isThere(start_ms) ? { start_ms } : {}),
    ...(isThere(end_ms) ? { end_ms } : {}),
  };
  kernel.get(MEMORY).count('add_fact');
  await inTime(kernel, 'memory', kernel.limits.memoryTimeoutMs, () => keepFact(kernel, client, fact));
}

/** A connection that is gone has no memory any more. */
function hasMemory(client: Client): boolean {
  return client.isOpen || client.agentId !== undefined;
}

/** Each is counted, and the first of a meeting's is said. */
function lose(kernel: Kernel, meeting: Meeting, err: unknown): void {
  kernel.get(MEMORY).failures += 1;
  if (meeting.isForgotten) return;
  meeting.isForgotten = true;
  kernel.log.warn(
    { err, meeting: meeting.id },
    'what was said in a meeting is not remembered; the rest is only counted',
  );
}
