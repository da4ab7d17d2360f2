import { CloseCode } from '../../protocol/close-codes.ts';
import { isJwtOver, jwtMsLeft } from '../../protocol/jwt.ts';
import { toMoment } from '../../protocol/moment.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { tell } from '../kernel/tell.ts';
import { KEYS } from './key-ring.ts';

/** So long before its end whoever came by a JWT is told. */
const WARNING_MS = 60_000;
/** Looked at this often at least: a machine that slept has other clocks than the wall's. */
const LOOK_MS = 60_000;

const lives = slot(() => ({ deadline: undefined as Deadline | undefined, toldOf: 0 }));

/** Has a connection end with the JWT that it came by, the last one of them, and tells it so before. */
export function watchJwt(kernel: Kernel, client: Client): void {
  const jwt = client.identity?.jwt;
  if (!jwt) return;
  const life = lives.of(client);
  kernel.deadlines.disarm(life.deadline);
  life.deadline = undefined;
  if (!client.isOpen) return;
  const { now } = kernel.get(KEYS);
  const left = jwt.expiresAt - now;
  if (isJwtOver(jwt.expiresAt, now)) {
    kernel.log.debug({ client: client.id }, 'a JWT has ended, and its connection with it');
    tell(kernel.ref, client.ref, { type: 'connection.close', code: CloseCode.NotAuthenticated });
    return;
  }
  if (left <= WARNING_MS && life.toldOf !== jwt.expiresAt) {
    life.toldOf = jwt.expiresAt;
    const params = { expires_at: toMoment(jwt.expiresAt) };
    tell(kernel.ref, client.ref, { type: 'rpc.notify', method: 'session.expiring', params });
  }
  const next = left > WARNING_MS ? left - WARNING_MS : jwtMsLeft(jwt.expiresAt, now);
  life.deadline = kernel.deadlines.arm(Math.max(1, Math.min(next, LOOK_MS)), () => watchJwt(kernel, client));
}

/** The connection is gone. */
export function forgetJwt(kernel: Kernel, client: Client): void {
  kernel.deadlines.disarm(lives.peek(client)?.deadline);
}
