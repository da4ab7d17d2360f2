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

/** The member of `_meta` by which a broker asks another only which turn it has for a guest: nothing is taken up. */
const LOOKS = 'switchboard/looks';

/** Parameters of a guest's `agents.chat.subscribe` that only looks. Nobody but a broker is heard with it. */
export const withLook = (params: object): object => {
  const { _meta: meta } = params as { _meta?: object };
  return { ...params, _meta: { ...meta, [LOOKS]: true } };
};

/** See {@link withLook}. */
export const readLook = (params: unknown): boolean =>
  isObject(params) && isObject(params._meta) && params._meta[LOOKS] === true;
