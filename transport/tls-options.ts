import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** What a TLS port shows, and whose clients it believes. All in PEM, as text or bytes: not the files' names. */
export interface TlsCertificates {
  /** The port's own certificate, and behind it those between it and its root. */
  cert: string | Buffer;
  /** The private key of the first of them, without a passphrase. */
  key: string | Buffer;
  /** The authorities whose client certificates count. Needed where clients are asked for one. */
  ca?: string | Buffer | undefined;
}

/** How a port speaks TLS (`docs/tls.md`): `wss` and `https`, and nothing else. */
export interface TlsOptions extends TlsCertificates {
  /**
   * Whether a client is asked for a certificate. `require`: without one that `ca` has signed everything is answered
   * with 403. `request`: it may have none, and one of another authority is not looked at. Default `none`.
   */
  clientAuth?: 'none' | 'request' | 'require' | undefined;
  /**
   * What the URIs begin with that bind an agent, among the alternative names of a client certificate's subject: with
   * `switchboard:agent:` a certificate for `switchboard:agent:writer` is the agent `writer`. Default: none does.
   */
  agentSan?: string | undefined;
}

/** What cannot be used: which part, and why. Its message is one line, without anything of a key. */
export class TlsFault extends TypeError {
  override readonly name = 'TlsFault';
  readonly part: 'cert' | 'key' | 'ca';
  /** To follow a name for the part. */
  readonly why: string;

  constructor(part: TlsFault['part'], why: string) {
    super(`tls: ${part} ${why}`);
    this.part = part;
    this.why = why;
  }
}

/**
 * Looks through what a port is to speak TLS with.
 * @returns what whoever runs the broker should know of it and that hinders nothing: an expired certificate, say.
 * @throws {TlsFault} where it cannot be used.
 */
export function checkCertificates({ cert, key, ca }: TlsCertificates, now: number = Date.now()): string[] {
  const chain = certificatesOf('cert', cert);
  const secret = privateKeyOf(key);
  const [own] = chain as [X509Certificate];
  if (!own.checkPrivateKey(secret)) {
    throw chain.some((other) => other.checkPrivateKey(secret))
      ? new TlsFault('cert', 'has the certificate of the key behind others; it has to be the first')
      : new TlsFault('key', 'is not that of the certificate');
  }
  const authorities = ca === undefined ? [] : certificatesOf('ca', ca);
  try {
    createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) });
  } catch (error) {
    // What OpenSSL does not like of one that is whole: too short a key, say.
    throw new TlsFault('cert', `cannot be used: ${reasonOf(error)}`);
  }
  return [
    ...chain.flatMap((one) => outOfDate('certificate', one, now)),
    ...authorities.flatMap((one) => outOfDate('certificate of the authority for clients', one, now)),
  ];
}

const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

function certificatesOf(part: 'cert' | 'ca', pem: string | Buffer): X509Certificate[] {
  const blocks = String(pem).match(BLOCK) ?? [];
  if (blocks.length === 0) throw new TlsFault(part, 'holds no certificate in PEM');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new TlsFault(part, 'holds a damaged certificate');
  }
}

function privateKeyOf(pem: string | Buffer): KeyObject {
  const text = String(pem);
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw new TlsFault('key', 'is locked by a passphrase; take that away');
  if (!/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(text)) throw new TlsFault('key', 'holds no private key in PEM');
  try {
    return createPrivateKey(text);
  } catch {
    throw new TlsFault('key', 'holds a damaged private key');
  }
}

function outOfDate(what: string, one: X509Certificate, now: number): string[] {
  const { validFrom, validTo, subjectAltName } = one;
  // One without a name has none of either, whatever their types say.
  const subject: string | undefined = one.subject ?? subjectAltName;
  const named = subject === undefined ? `the ${what}` : `the ${what} (${subject.replaceAll('\n', ', ').slice(0, 200)})`;
  if (Date.parse(validTo) < now) return [`${named} has expired: it was valid until ${validTo}`];
  return Date.parse(validFrom) > now ? [`${named} is not valid yet: it will be from ${validFrom}`] : [];
}

function reasonOf(error: unknown): string {
  const { reason, message } = Object(error) as { reason?: unknown; message?: unknown };
  return String(reason ?? message).replaceAll(/\s+/g, ' ');
}
