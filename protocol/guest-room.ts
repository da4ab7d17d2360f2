import { isObject } from './json.ts';
import { type Principal, principal } from './principal.ts';

/** The member of `_meta` by which a broker tells another whose turn a request of a guest's names. */
const ROOM = 'switchboard/room';

/** Parameters of a guest's request, with whose turn it names. Nobody but a broker is heard with it. */
export const withRoom = (params: object, room: Principal): object => {
  const { _meta: meta } = params as { _meta?: object };
  return { ...params, _meta: { ...meta, [ROOM]: room } };
};

/** See {@link withRoom}. */
export function readRoom(params: unknown): Principal | undefined {
  if (!isObject(params) || !isObject(params._meta)) return undefined;
  return principal.safeParse(params._meta[ROOM]).data;
}
