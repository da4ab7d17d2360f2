import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { own } from './cleanup.ts';

/** The resource that tokens are for. */
export const RESOURCE = 'https://broker.example/';

/** What is used here of the package, which has no types. */
interface Provider {
  callback(): Parameters<typeof createServer>[1];
}
interface Module {
  default: new (issuer: string, configuration: object) => Provider;
}

/** The secret of one of its clients. */
export const secretOf = (client: string) => `${client}-secret-secret-secret-secret`;

/** An OpenID provider on loopback, with clients that get JWTs for {@link RESOURCE} by their own credentials. */
export async function startProvider({ alg = 'ES256', ttl = 600 }: { alg?: string; ttl?: number } = {}) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'of-the-test', alg, use: 'sig' };
  // @ts-expect-error it has no types
  const { default: OidcProvider } = (await import('oidc-provider')) as Module;
  let answer: Parameters<typeof createServer>[1] = (_request, response) => response.end();
  const server = createServer((request, response) => answer?.(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const scope = 'chat observe host agent:bot';
  const provider = new OidcProvider(issuer, {
    clients: ['ada', 'bot'].map((client_id) => ({
      client_id,
      client_secret: secretOf(client_id),
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: alg,
      scope,
    })),
    scopes: scope.split(' '),
    ttl: { ClientCredentials: ttl },
    jwks: { keys: [key] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope,
          audience: RESOURCE,
          accessTokenTTL: ttl,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
    },
    extraTokenClaims: () => ({ org: 'acme' }),
  });
  answer = provider.callback();
  return {
    issuer,
    jwksUrl: `${issuer}/jwks`,
    /** A token for one of its clients, as that client asks for it. */
    async token(client: 'ada' | 'bot', scopes: string): Promise<string> {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client}:${secretOf(client)}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE, scope: scopes }),
      });
      const { access_token: token, ...rest } = (await response.json()) as { access_token?: string };
      if (!token) throw new Error(`no token: ${JSON.stringify(rest)}`);
      return token;
    },
  };
}
