import { createHash } from 'node:crypto';
import { nkeys } from '../../../sdks/nats.ts';

type Pair = ReturnType<typeof nkeys.createUser>;

/** A JWT as NATS has them, of `sub` by `signer`. */
function jwt(signer: Pair, sub: string, name: string, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iat: Math.floor(Date.now() / 1_000),
    iss: signer.getPublicKey(),
    name,
    sub,
    nats: { version: 2, ...nats },
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex').toUpperCase();
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ jti, ...claims })}`;
  return `${text}.${Buffer.from(signer.sign(Buffer.from(text))).toString('base64url')}`;
}

/** An operator with one account and a user of it: lines of a server's configuration, and a file as `nsc` writes it. */
export function operator(): { config: string; creds: string } {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const accountId = account.getPublicKey();
  const limits = { subs: -1, data: -1, payload: -1, conn: -1, imports: -1, exports: -1, wildcards: true, leaf: -1 };
  const accountJwt = jwt(operator, accountId, 'SWITCHBOARD', { type: 'account', limits });
  const userJwt = jwt(account, user.getPublicKey(), 'broker', { type: 'user', subs: -1, data: -1, payload: -1 });
  return {
    config: [
      `operator: ${jwt(operator, operator.getPublicKey(), 'O', { type: 'operator' })}`,
      'resolver: MEMORY',
      `resolver_preload: { ${accountId}: ${accountJwt} }`,
    ].join('\n'),
    creds: [
      '-----BEGIN NATS USER JWT-----',
      userJwt,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      Buffer.from(user.getSeed()).toString(),
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  };
}
