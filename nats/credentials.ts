import { readFileSync } from 'node:fs';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '../sdks/nats.ts';
import { NatsError } from './errors.ts';

/** The most bytes of a file with credentials. */
const MAX_BYTES = 64 * 1024;

/**
 * Who this broker is to NATS. All secrets are in files, which are read anew at each connection: they may be replaced while
 * the broker runs.
 */
export type Credentials =
  /** A file as `nsc` writes it (a JWT and its seed), or with nothing but the seed of an nkey. */
  | { readonly kind: 'creds'; readonly file: string }
  | { readonly kind: 'password'; readonly user: string; readonly file: string }
  | { readonly kind: 'token'; readonly file: string };

type Authenticator = ReturnType<typeof credsAuthenticator>;

/**
 * What answers the server.
 * @throws {NatsError} `config`, where the file cannot be read or has none
 */
export function authenticatorOf(credentials: Credentials): Authenticator {
  let last = read(credentials);
  return (nonce) => {
    // A file that is replaced just now: a client whose authenticator throws would never connect again.
    try {
      last = read(credentials);
    } catch {}
    return last(nonce);
  };
}

function read(credentials: Credentials): Authenticator {
  const { file } = credentials;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    // Its message names the file, and nothing of it.
    throw new NatsError('config', `the credentials for NATS cannot be read: ${(error as Error).message}`);
  }
  const text = bytes.toString('utf8').trim();
  if (text === '' || bytes.length > MAX_BYTES) throw new NatsError('config', `${file} has no credentials`);
  if (credentials.kind === 'token') return tokenAuthenticator(text);
  if (credentials.kind === 'password') return usernamePasswordAuthenticator(credentials.user, text);
  try {
    if (!text.includes('\n')) {
      const seed = Buffer.from(text);
      nkeys.fromSeed(seed);
      return nkeyAuthenticator(seed);
    }
    const answer = credsAuthenticator(Buffer.from(`${text}\n`));
    // It says whether both parts are there, and the seed is one.
    answer('nonce');
    return answer;
  } catch {
    throw new NatsError('config', `${file} has neither credentials as nsc writes them nor the seed of an nkey`);
  }
}
