import { WireError } from '../../../protocol/errors.ts';
import { writeJson } from '../../../protocol/write-json.ts';
import { checkBacklog, RETRY_MS } from '../../kernel/backlog.ts';
import type { Client } from '../../kernel/client.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { LoggedEvent, TurnLog } from './turn-log.ts';

/** In a replay of so many events plain tokens are merged, as they are where much waits (`wire.md` section 9). */
const MERGED_FROM = 256;
/** Bytes that a UTF-16 unit may take as JSON: `\u0000`. */
const MAX_EXPANSION = 6;
/** Deltas are joined up to so many UTF-16 units: as JSON never more than the 64 KiB of section 9, and not measured. */
const MERGED_UNITS = Math.floor((64 * 1024) / MAX_EXPANSION);
/** What a frame is besides its text, or besides its turn's head and its delta, at most. */
const FRAME_BYTES = 96;
/** So many replayed events cost what a request costs; */
const EVENTS_A_REQUEST = 10;
/** of plain tokens, which are merged, so many. */
const TOKENS_A_REQUEST = 100;

/** The events from this `seq` on, as they are sent. */
export function* replayFrom(log: TurnLog, first: number): Generator<LoggedEvent> {
  const { head } = log;
  const isMerging = head - first >= MERGED_FROM;
  for (let seq = first; seq <= head; seq += 1) {
    const event = log.at(seq);
    if (!event) {
      // Nobody has what lies before its terminal.
      seq = Math.max(seq, head - 1);
      continue;
    }
    if (!isMerging || event.type === 'chat.frame') {
      yield event;
      continue;
    }
    const deltas = [event.token.delta];
    let units = event.token.delta.length;
    for (let next = log.deltaAt(seq + 1); next !== undefined; next = log.deltaAt(seq + 1)) {
      units += next.length;
      if (units > MERGED_UNITS) break;
      deltas.push(next);
      seq += 1;
    }
    yield { type: 'chat.token', token: { ...event.token, seq, delta: deltas.join('') } };
  }
}

/** What a subscription is answered with: events from `first` on, perhaps the text, and other things of so many bytes. */
export interface Replay {
  first: number;
  hasText: boolean;
  otherBytes: number;
}

/**
 * Whether a replay fits in what may wait for its reader, and in the rate of its requests: a few bytes of a request can ask
 * for megabytes. To a reader that has read all but everything it is sent whatever its size, or it could never be had.
 * @throws {WireError} `-32020`; then nothing has changed
 */
export function admitReplay(kernel: Kernel, client: Client, log: TurnLog, replay: Replay): void {
  checkBacklog(kernel, client);
  const { cutBytes, softLimitBytes, requestsPerSecond } = kernel.limits;
  const { link, rate } = client;
  const waiting = link.waitingBytes;
  const size = replayBytes(log, replay, cutBytes - waiting);
  const isTooMuch = waiting + size > cutBytes;
  if (isTooMuch && waiting > softLimitBytes) throw WireError.limitExceeded('cut_bytes', cutBytes, RETRY_MS);
  const events = log.countFrom(replay.first);
  const frames = Math.min(events, log.frameCount);
  const retryAfterMs = rate.pay(kernel.clock.now(), Math.floor(frames / EVENTS_A_REQUEST + events / TOKENS_A_REQUEST));
  if (retryAfterMs > 0) throw WireError.limitExceeded('requests_per_second', requestsPerSecond, retryAfterMs);
  if (isTooMuch) link.allow?.(size);
}

/** How much it is on the wire; where it surely is no more than `room`, that. */
function replayBytes(log: TurnLog, { first, hasText, otherBytes }: Replay, room: number): number {
  const frameBytes = log.tokenHead.length + FRAME_BYTES;
  const most = otherBytes + log.bytes * MAX_EXPANSION + (MERGED_FROM + 1) * frameBytes;
  if (most <= room) return most;
  let bytes = otherBytes + FRAME_BYTES;
  if (hasText) bytes += jsonLength(log.text ?? '');
  for (const event of replayFrom(log, first)) {
    bytes += frameBytes;
    bytes += event.type === 'chat.frame' ? Buffer.byteLength(event.text) : jsonLength(event.token.delta);
  }
  return bytes;
}

const jsonLength = (text: string): number => Buffer.byteLength(writeJson(text));
