import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';

/** What records are made and checkpoints signed with. */
export interface AuditKey {
  /** Its name: 16 hexadecimal digits of the public key's SHA-256. No secret. */
  readonly id: string;
  /** For records: whoever has it can make them, and check them. */
  readonly hmac: KeyObject;
  /** Ed25519, for checkpoints. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A key file that cannot be used; the message is one line for a person, and says nothing of what is in it. */
export class AuditKeyError extends Error {
  override readonly name = 'AuditKeyError';
}

/** 32 bytes as base64url. */
const SHAPE = /^[A-Za-z0-9_-]{43}$/;
/** A key file is shorter. */
const MAX_BYTES = 4_096;

/** Makes a new key, as the text of its file. */
export function createAuditKey(): string {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const hmac = randomBytes(32).toString('base64url');
  return `${JSON.stringify({ switchboard_audit_key: 1, hmac, ed25519: d, ed25519_public: x }, null, 2)}\n`;
}

/** Reads the text of a key's file. @throws AuditKeyError */
export function parseAuditKey(text: string, path: string): AuditKey {
  const wrong = () => new AuditKeyError(`${path} is no key of an audit trail`);
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(text));
  } catch {
    throw wrong();
  }
  const { switchboard_audit_key: version, hmac, ed25519: d, ed25519_public: x } = value;
  if (version !== 1) throw wrong();
  for (const part of [hmac, d, x]) if (typeof part !== 'string' || !SHAPE.test(part)) throw wrong();
  try {
    const privateKey = createPrivateKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', d: d as string, x: x as string },
    });
    const publicKey = createPublicKey(privateKey);
    // Made of the private one: what the file says besides is for whoever only checks signatures.
    if (publicKey.export({ format: 'jwk' }).x !== x) throw wrong();
    const raw = Buffer.from(x as string, 'base64url');
    return {
      id: createHash('sha256').update(raw).digest('hex').slice(0, 16),
      hmac: createSecretKey(Buffer.from(hmac as string, 'base64url')),
      privateKey,
      publicKey,
    };
  } catch {
    throw wrong();
  }
}

/**
 * Reads a key's file. As ssh does: what others may read is no secret, and is refused.
 * @throws AuditKeyError; a system error where there is none, or it cannot be read
 */
export function readAuditKey(path: string): AuditKey {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw new AuditKeyError(`${path} is no key of an audit trail`);
    const own = process.getuid?.();
    if (own !== undefined && stat.uid !== own && stat.uid !== 0 && own !== 0)
      throw new AuditKeyError(`${path} belongs to somebody else (user ${stat.uid})`);
    if (own !== undefined && (stat.mode & 0o077) !== 0)
      throw new AuditKeyError(`${path} can be read by others; make a new key, or chmod 600 it`);
    return parseAuditKey(readFileSync(file, 'utf8'), path);
  } finally {
    closeSync(file);
  }
}

/**
 * The same, and makes it (mode 0600) where there is none.
 * @throws AuditKeyError; a system error
 */
export function openAuditKey(path: string): AuditKey {
  try {
    return readAuditKey(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, createAuditKey());
    fsyncSync(file);
  } catch (error) {
    // Half a key would be in the way of a whole one.
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
  return readAuditKey(path);
}
