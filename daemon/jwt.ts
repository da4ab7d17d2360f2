import type { JwtOptions } from '../broker.ts';
import { jwksFault } from '../jwt/options.ts';
import type { Config } from './config.ts';
import { isSystemError, StartError } from './errors.ts';
import { readOwnFile } from './own-file.ts';

/** More than any issuer's keys take. */
const MAX_JWKS_BYTES = 256 * 1024;

type Jwks = NonNullable<JwtOptions['jwks']>;

/** Whose JWTs the daemon takes; undefined: nobody's. @throws StartError */
export function readJwt(config: Config): JwtOptions | undefined {
  const {
    'jwt-issuer': issuer,
    'jwt-audience': audience,
    'jwks-url': jwksUrl,
    'jwt-tenant-claim': tenantClaim,
  } = config.settings;
  if (issuer === undefined || audience === undefined) return undefined;
  const jwks = readJwks(config);
  return { issuer, audience, tenantClaim, ...(jwks ? { jwks } : { jwksUrl }) };
}

/**
 * The keys that stand in the file now, if they are in one.
 *
 * @throws StartError naming the flag, variable or key, its file, and what is wrong with it.
 */
export function readJwks({ settings, given }: Config): Jwks | undefined {
  const path = settings['jwks-file'];
  if (path === undefined) return undefined;
  const name = `${given.get('jwks-file')} ${JSON.stringify(path)}`;
  const jwks = parse(read(path, name), name);
  const fault = jwksFault(jwks);
  if (fault !== undefined) throw new StartError(`${name} ${fault}`);
  return jwks as Jwks;
}

function read(path: string, name: string): string {
  try {
    return readOwnFile(path, MAX_JWKS_BYTES).text;
  } catch (error) {
    if (isSystemError(error)) throw new StartError(`${name} cannot be read: ${error.code}`);
    if (error instanceof StartError) throw new StartError(`${name} is no file`);
    throw error;
  }
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StartError(`${name} is no JSON`);
  }
}
