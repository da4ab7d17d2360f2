import { createHash } from 'node:crypto';
import { sessionId } from '../../protocol/ids.ts';

/** A hash of some texts, of which none can pass for two others. 43 characters of base64url. */
export function hashOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:`).update(text);
  return hash.digest('base64url');
}

/**
 * A session's id of what a front's client calls its conversation: as it is behind the front's own prefix, or hashed where
 * that is no session's id. Whose it is need not be in it: sessions are their principal's own.
 */
export function sessionIdOf(prefix: string, ...names: readonly string[]): string {
  const plain = [prefix, ...names].join(':');
  const isPlain = names.every((name) => name !== '' && !name.includes(':')) && sessionId.safeParse(plain).success;
  return isPlain ? plain : `${prefix}:${hashOf(...names)}`;
}

/** The same of a conversation that has a name of its own, with the prefix that the front's contract has: `ai-NAME`. */
export function namedSession(prefix: string, name: string): string {
  const plain = `${prefix}-${name}`;
  // What has a colon is ours: a conversation that was begun anew.
  return sessionId.safeParse(plain).success && name !== '' && !name.includes(':') ? plain : `${prefix}-${hashOf(name)}`;
}
