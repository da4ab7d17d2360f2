import { WireError } from '../../protocol/errors.ts';
import { PROTOCOL_VERSIONS } from '../../protocol/session.ts';
import type { Handler } from './dispatcher.ts';

/** `server.handshake` (`wire.md` section 3). */
export const handshake: Handler<'server.handshake'> = ({ kernel, from, params }) => {
  const version = PROTOCOL_VERSIONS.find((supported) => supported === params.protocol_version);
  if (version === undefined) throw WireError.versionMismatch(PROTOCOL_VERSIONS);
  from.hasHandshaken = true;
  return {
    protocol_version: version,
    server_version: kernel.version,
    client_protocol_version: version,
    epoch: kernel.epoch,
    durable: kernel.durable,
    limits: {
      max_message_bytes: kernel.limits.maxMessageBytes,
      max_turns_per_connection: kernel.limits.maxTurnsPerConnection,
      max_pending_tools: kernel.limits.maxPendingTools,
      resume_window_ms: kernel.limits.resumeWindowMs,
    },
  };
};
