import type { Identity } from '../../machines/connection.machine.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import { toMoment } from '../../protocol/moment.ts';
import { putOff } from '../connection/auth-decision.ts';
import { type AuthFault, noteRefusal, retryMsOf } from '../connection/auth-fault.ts';
import { AUTH } from '../connection/authenticator.ts';
import { watchJwt } from '../connection/jwt-life.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { tell } from '../kernel/tell.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { type Handler, LATER } from './dispatcher.ts';
import { reply } from './reply.ts';

/** Whether a connection waits for the answer to one. */
const refreshing = slot(() => ({ isOn: false }));

/**
 * `session.refresh` (`docs/protocol.md#jwt`): the connection goes on by another JWT. It stays who it is, and in its role;
 * what its scopes and agents are it is told by the new one.
 */
export const refresh: Handler<'session.refresh'> = ({ kernel, from, id, params }) => {
  const auth = kernel.get(AUTH);
  const { identity } = from;
  if (!identity?.jwt) throw WireError.invalidRequest('this connection did not come by a JWT');
  const state = refreshing.of(from);
  if (state.isOn) throw WireError.limitExceeded('max_pending_refreshes', 1);
  if (auth.isBusy) throw putOff(kernel, 'session.refresh', 'jwt_busy', from);
  state.isOn = true;
  const { agentId, role } = identity;
  void auth.prove(params.jwt, agentId === undefined ? { role } : { agentId }).then((found) => {
    state.isOn = false;
    if (!from.isOpen) return;
    try {
      const renewed = renew(kernel, from, found);
      reply(kernel, from, id, { result: { expires_at: toMoment(renewed.expiresAt) } });
      watchJwt(kernel, from);
    } catch (error) {
      reply(kernel, from, id, { error: toWireError(kernel, 'session.refresh', error) });
      if (from.authFailures >= from.maxAuthFailures)
        tell(kernel.ref, from.ref, { type: 'connection.close', code: CloseCode.NotAuthenticated });
    }
  });
  return LATER;
};

/** @throws {WireError} `-32603`, of one text whatever was wrong; `-32020` where it cannot be judged now */
function renew(kernel: Kernel, from: Client, found: Identity | AuthFault): NonNullable<Identity['jwt']> {
  const before = from.identity;
  if (typeof found === 'string')
    throw retryMsOf(found) === undefined
      ? refused(kernel, from, found)
      : putOff(kernel, 'session.refresh', found, from);
  const { jwt } = found;
  if (!jwt || !before || jwt.sub !== before.jwt?.sub || found.principal.tenant !== before.principal.tenant)
    throw refused(kernel, from, 'jwt_other');
  from.identity = { ...found, principal: before.principal };
  from.authFailures = 0;
  // What it sees may be less now, and with that what it is told of.
  kernel.events.seesAnew(from);
  kernel.hooks.sightChanged(from);
  kernel.audit.by(from, 'session.refresh', 'ok', from.agentId, { scopes: scopesOf(found) });
  return jwt;
}

const scopesOf = ({ scopes }: Identity): string | undefined => scopes && [...scopes].join();

function refused(kernel: Kernel, from: Client, why: AuthFault): WireError {
  from.authFailures += 1;
  noteRefusal(kernel, 'session.refresh', why, { client: from.id });
  kernel.audit.by(from, 'session.refresh', 'refused', from.agentId);
  return WireError.tokenMismatch();
}
