import { createHmac, type KeyObject, sign, verify } from 'node:crypto';
import type { AuditKey } from './key.ts';

/** What the first record of all names as the one before it. */
export const GENESIS = 'A'.repeat(43);

/** Where a chain stands: its last record. */
export interface Place {
  /** Its number; 0 before the first. */
  readonly n: number;
  /** Its code. */
  readonly mac: string;
}

/** Where every chain begins. */
export const BEGINNING: Place = { n: 0, mac: GENESIS };

/** Its length in a line: base64url of 32 bytes. */
const MAC_CHARACTERS = 43;
const BEFORE_MAC = Buffer.from(',"mac":"');
const AFTER_MAC = Buffer.from('"}');
const TAIL_BYTES = BEFORE_MAC.length + MAC_CHARACTERS + AFTER_MAC.length;
const BRACE = Buffer.from('}');

const macOf = (key: KeyObject, text: string | Buffer): string =>
  createHmac('sha256', key).update(text).digest('base64url');

/**
 * Makes a record of what is known of it: `body` is its members as JSON, without braces. Its code is an HMAC-SHA256 over
 * the whole line as it stands there, but for that code; the code of the record before it is one of the members.
 * @returns the line, without its end, and where the chain stands then
 */
export function link({ hmac }: AuditKey, { n, mac: prev }: Place, body: string): { line: string; place: Place } {
  const head = `{"n":${n + 1},${body},"prev":"${prev}"`;
  const mac = macOf(hmac, `${head}}`);
  return { line: `${head},"mac":"${mac}"}`, place: { n: n + 1, mac } };
}

/** What a line says, where this key has made it. */
export interface AuditRecord extends Place {
  readonly at: string;
  readonly what: string;
  readonly prev: string;
  readonly [more: string]: unknown;
}

/**
 * Reads a line, without its end; undefined where this key has not made it as it stands there. Bytes are compared, not
 * what they mean: there are several ways to write the same.
 */
export function readRecord({ hmac }: AuditKey, line: Buffer): AuditRecord | undefined {
  const end = line.length - TAIL_BYTES;
  if (end < 1 || !line.subarray(end, end + BEFORE_MAC.length).equals(BEFORE_MAC)) return undefined;
  if (!line.subarray(-AFTER_MAC.length).equals(AFTER_MAC)) return undefined;
  const mac = line.toString('latin1', end + BEFORE_MAC.length, line.length - AFTER_MAC.length);
  // Who checks a file has it, and the key: nothing is learnt from how long this takes.
  if (mac !== macOf(hmac, Buffer.concat([line.subarray(0, end), BRACE]))) return undefined;
  try {
    return JSON.parse(line.toString('utf8')) as AuditRecord;
  } catch {
    // Made by the key, and no JSON: somebody else has it.
    return undefined;
  }
}

const signed = (n: number, at: string, prev: string) => Buffer.from(`switchboard audit\n${n}\n${at}\n${prev}`);

/** What a checkpoint says besides its place: the signature that anybody can check who has the public key. */
export function signCheckpoint({ privateKey }: AuditKey, { n, mac }: Place, at: string): string {
  return sign(null, signed(n + 1, at, mac), privateKey).toString('base64url');
}

/** A checkpoint as it stands in a file, or in a log. */
export interface Checkpoint extends Place {
  readonly at: string;
  readonly prev: string;
  readonly sig: string;
}

/** Whether this key has signed it. */
export function isSigned({ publicKey }: Pick<AuditKey, 'publicKey'>, { n, at, prev, sig }: Checkpoint): boolean {
  return verify(null, signed(n, at, prev), publicKey, Buffer.from(sig, 'base64url'));
}

/** A checkpoint, where this is one by its shape. */
export function toCheckpoint(value: unknown): Checkpoint | undefined {
  const { n, at, prev, mac, sig } = Object(value) as Record<string, unknown>;
  if (!Number.isSafeInteger(n)) return undefined;
  const texts = [at, prev, mac, sig];
  if (!texts.every((text) => typeof text === 'string')) return undefined;
  return { n, at, prev, mac, sig } as Checkpoint;
}
