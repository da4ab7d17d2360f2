import type { AuthFunction, BrokerOptions } from '../../../broker.ts';
import { startLinked } from '../../support/linked.ts';

/** The same function for everybody, as a broker expects it: see `AuthIdentity.mayUse`. */
const echoAlone = (id: string) => id === 'echo';

/** `sub@tenant`, or a name alone; `+` adds scopes, `+host` the management role. */
const auth: AuthFunction = ({ token, agentId }) => {
  // It looks like one of the broker’s own, and is none.
  if (token?.length === 43) return undefined;
  const [who = '', scopes] = (token ?? '').split('+');
  const [sub = '', tenant] = who.split('@');
  return {
    ...(agentId === undefined ? {} : { agentId }),
    ...(sub === '' ? {} : { sub, name: sub.toUpperCase() }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(scopes === 'host' ? { role: 'host' as const } : {}),
    ...(scopes === undefined || scopes === 'host' ? {} : { scopes: scopes.split(',') as ['chat' | 'observe'] }),
    ...(sub === 'narrow' ? { mayUse: echoAlone } : {}),
  };
};

/** A broker, and whoever may join it by what they call themselves: see {@link auth}. */
export function start(options: BrokerOptions = {}) {
  const linked = startLinked({ ...options, auth });
  const join = async (token: string, agentId?: string) => {
    const client = linked.connect();
    await client.ok('session.auth', { token, ...(agentId === undefined ? {} : { agent_id: agentId }) });
    return client;
  };
  return { ...linked, join };
}
