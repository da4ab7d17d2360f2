import type { BrokerOptions, Logger } from '../../../broker.ts';
import type { JwtOptions } from '../../../jwt/options.ts';
import { AUDIENCE, ISSUER, Issuer } from '../../support/jwt.ts';
import { type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';

/** Lets a signature be verified, which takes other threads, and what comes of it arrive. */
export async function until<T>(found: () => T | undefined): Promise<T> {
  for (;;) {
    const value = found();
    if (value !== undefined) return value;
    await settle();
  }
}

/** A broker that takes an issuer's tokens, and the issuer. */
export async function startJwts(options: BrokerOptions & { jwtOptions?: Partial<JwtOptions> } = {}) {
  const { jwtOptions, ...rest } = options;
  const idp = await Issuer.create();
  const lines: string[] = [];
  const line = (_fields: object, message: string) => void lines.push(message);
  const log: Logger = { debug() {}, info: line, warn: line, error: line };
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: idp.jwks, tenantClaim: 'org', ...jwtOptions };
  const linked = startLinked({ log, ...rest, jwt });
  /** What a request is answered that takes longer than a turn of the event loop. */
  const asks = async (client: LinkedClient, method: string, params: object): Promise<Message> => {
    const id = client.post(method, params);
    return until(() => client.replyTo(id) ?? (client.closed === undefined ? undefined : { closed: client.closed }));
  };
  return {
    ...linked,
    idp,
    /** What the operator reads. */
    lines,
    asks,
    /** A client that has shown this token. */
    async by(token: string, more: object = {}): Promise<LinkedClient> {
      const client = linked.connect();
      const { result, error } = await asks(client, 'session.auth', { jwt: token, ...more });
      if (!result) throw new Error(`refused: ${JSON.stringify(error)}; ${lines.at(-1)}`);
      return client;
    },
    /** What somebody is answered who shows it. */
    tries: (token: string, more: object = {}) => asks(linked.connect(), 'session.auth', { jwt: token, ...more }),
  };
}
