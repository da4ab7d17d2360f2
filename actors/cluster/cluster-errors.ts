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

/** The link with a broker has no room for it now. There may be some in a moment. */
export const tooMuchError = ({ cutBytes }: Pick<LaneLimits, 'cutBytes'>): WireError =>
  WireError.limitExceeded('peer_waiting_bytes', cutBytes, RETRY_MS);
