import type { BrokerOptions } from '../../../broker.ts';
import { CloseCode } from '../../../protocol/close-codes.ts';
import type { InputOf } from '../../../protocol/methods.ts';
import { type LinkedClient, startLinked } from '../../support/linked.ts';

/** A broker, its daemon's management, and whoever has a key. */
export async function startKeys(options: BrokerOptions = {}) {
  const linked = startLinked(options);
  const chief = await linked.manager();
  const add = async (params: InputOf<'keys.add'>, maker = chief): Promise<string> =>
    (await maker.ok('keys.add', params)).token;
  const by = async (token: string): Promise<LinkedClient> => {
    const client = linked.connect();
    await client.ok('session.auth', { token });
    return client;
  };
  return {
    ...linked,
    chief,
    /** Makes a key, and gives its token. */
    add,
    /** Somebody who came by a token. */
    by,
    /** Somebody for whom a key is made. */
    join: async (params: InputOf<'keys.add'>, maker = chief) => by(await add(params, maker)),
    /** What somebody is answered who tries a token. */
    tries: (auth: object) => linked.connect().call('session.auth', auth),
  };
}

/** What everybody is told who is refused. */
export const REFUSED = { code: -32603, message: 'auth failed: token mismatch' };
export { CloseCode };
