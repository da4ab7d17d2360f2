import { MAX_HELD_BYTES } from '../../link/flow.ts';
import { ErrorCode, WireError } from '../../protocol/errors.ts';

/** There is no way to a broker now (`docs/cluster.md`): it may be there again in a moment. */
export const clusterError = (peer: string): WireError =>
  new WireError(ErrorCode.AgentNotAttached, `broker ${peer} cannot be reached now; ask again`, {
    reason: 'cluster',
    broker: peer,
    retry_after_ms: 1_000,
  });

/** The link with a broker was lost while it was asked: what was asked may have been done, or not. */
export const lostError = (peer: string): WireError =>
  new WireError(ErrorCode.AgentNotAttached, `the link with broker ${peer} was lost before it had answered`, {
    reason: 'peer_lost',
    broker: peer,
  });

/**
 * So much may wait in a link with what a client sends: what is beyond that in the link is for what brokers say themselves, which
 * is little. So nobody's frames cost all others the link. Bytes.
 */
export const MAX_WAITING_BYTES = (MAX_HELD_BYTES / 4) * 3;

/** What would be too much for the link with a broker now, or for any. */
export const tooMuchError = (): WireError => WireError.limitExceeded('peer_waiting_bytes', MAX_WAITING_BYTES);

/** Whether a frame of a client's may be written to a link. */
export const hasRoomFor = ({ waitingBytes }: { waitingBytes: number }, text: string): boolean =>
  // Where it is near the limit it is counted as it is written.
  waitingBytes + text.length <= MAX_WAITING_BYTES &&
  (waitingBytes + text.length * 3 <= MAX_WAITING_BYTES || waitingBytes + Buffer.byteLength(text) <= MAX_WAITING_BYTES);
