import { WireError } from '../../protocol/errors.ts';
import { PROTOCOL_VERSIONS } from '../../protocol/session.ts';
import type { Handler } from './dispatcher.ts';

/** `server.handshake` (`wire.md` section 3). */
export const handshake: Handler<'server.handshake'> = ({ state, from, params }) => {
  const version = PROTOCOL_VERSIONS.find((supported) => supported === params.protocol_version);
  if (version === undefined) throw WireError.versionMismatch(PROTOCOL_VERSIONS);
  from.hasHandshaken = true;
  return {
    protocol_version: version,
    server_version: state.version,
    client_protocol_version: version,
    limits: {
      max_message_bytes: state.limits.maxMessageBytes,
      max_turns_per_connection: state.limits.maxTurnsPerConnection,
      max_pending_tools: state.limits.maxPendingTools,
      resume_window_ms: state.limits.resumeWindowMs,
    },
  };
};
