import { createBroker } from '../../broker.ts';
import { connectEcho } from '../../daemon/echo.ts';
import { own } from '../e2e/support/cleanup.ts';
import { RESOURCE, secretOf, startProvider } from '../e2e/support/oidc-provider.ts';

/** A broker with echo that takes the tokens of an OpenID provider, and what tells a client of the latter where both are. */
export async function jwtScene(): Promise<NodeJS.ProcessEnv> {
  const { issuer, jwksUrl } = await startProvider();
  const broker = createBroker({ jwt: { issuer, audience: RESOURCE, jwksUrl } });
  own(() => broker.close());
  const { url } = await broker.listen({ port: 0 });
  const echo = await connectEcho({ url, token: broker.upsertAgent({ id: 'echo' }).token ?? '' });
  own(() => echo.close());
  const client = { CLIENT_ID: 'ada', CLIENT_SECRET: secretOf('ada') };
  return { SWITCHBOARD_URL: url, TOKEN_URL: `${issuer}/token`, RESOURCE, ...client };
}
