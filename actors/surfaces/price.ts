import { WireError } from '../../protocol/errors.ts';
import { isObject } from '../../protocol/json.ts';
import { ENVELOPE_KINDS } from '../../protocol/surfaces.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Author } from './draft.ts';
import type { FoundEnvelope } from './envelopes.ts';
import { SURFACES } from './surfaces.ts';

/** A large surface costs time whenever it is changed or shown, however little is said: one request more for so much. */
const BYTES_A_REQUEST = 8 * 1024;

/** Takes what these envelopes cost besides the request. @throws {WireError} `-32020` */
export function payForChange(
  kernel: Kernel,
  from: Client,
  { place }: Pick<Author, 'place'>,
  envelopes: readonly FoundEnvelope[],
): void {
  const surfaceIds = envelopes.flatMap(({ envelope }) =>
    ENVELOPE_KINDS.map((kind) => envelope[kind]).map((body) => (isObject(body) ? body.surfaceId : undefined)),
  );
  pay(kernel, from, new Set(surfaceIds.flatMap((id) => (typeof id === 'string' ? place(id, false).key : []))));
}

/** Takes what it costs to show surfaces besides the request. @throws {WireError} `-32020` */
export function payForSight(kernel: Kernel, from: Client, keys: ReadonlySet<string>): void {
  pay(kernel, from, keys);
}

function pay(kernel: Kernel, from: Client, keys: ReadonlySet<string>): void {
  const { clock, limits } = kernel;
  const surfaces = kernel.get(SURFACES);
  let bytes = 0;
  for (const key of keys) bytes += surfaces.get(key)?.bytes ?? 0;
  const retryAfterMs = from.rate.pay(clock.now(), Math.floor(bytes / BYTES_A_REQUEST));
  if (retryAfterMs > 0) throw WireError.limitExceeded('requests_per_second', limits.requestsPerSecond, retryAfterMs);
}
