import { MAX_HELD_BYTES } from '../../link/flow.ts';
import type { PeerLink } from '../../link/peer-link.ts';
import { ErrorCode, WireError } from '../../protocol/errors.ts';
import { RETRY_MS } from '../kernel/backlog.ts';
import type { LaneLimits } from './lanes.ts';

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

/** So much of what a link takes is left to what brokers say themselves, which is little. Bytes. */
const KEPT_BYTES = MAX_HELD_BYTES / 4;

/** More than what a connection is sent, or says, may wait for a broker: it may be there in a moment. */
export const tooMuchError = ({ cutBytes }: Pick<LaneLimits, 'cutBytes'>): WireError =>
  WireError.limitExceeded('peer_waiting_bytes', cutBytes, RETRY_MS);

/** So much may be written to a link by whoever has no lane in it, so that it costs nobody the link. Bytes. */
export const roomOf = ({ roomBytes }: Pick<PeerLink, 'roomBytes'>): number => roomBytes - KEPT_BYTES;

/** Whether a text may. */
export const hasRoomFor = (link: Pick<PeerLink, 'roomBytes'>, text: string): boolean => {
  const room = roomOf(link);
  // Where it is near the limit it is counted as it is written.
  return text.length <= room && (text.length * 3 <= room || Buffer.byteLength(text) <= room);
};
