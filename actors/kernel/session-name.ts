import { createHash } from 'node:crypto';
import { isSamePrincipal, LOCAL, type Principal, principalKey } from '../../protocol/principal.ts';

/** Characters of a principal's mark: 65 bits. */
const MARK_LENGTH = 13;
/** The longest session id (`wire.md` section 6). */
const MAX_SESSION_ID = 128;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const MARKED = {
  ':': new RegExp(`:[a-z2-7]{${MARK_LENGTH}}$`),
  '.': new RegExp(`[.][a-z2-7]{${MARK_LENGTH}}$`),
} as const;

const marks = new WeakMap<Principal, string>();

/**
 * What an agent calls a session (`docs/protocol.md#principals`): the host's own id for it where the principal is
 * {@link LOCAL}, else that and a mark of the principal, so that two principals' sessions of one id are two to an agent, too.
 * The broker keeps sessions under it: it is one session's alone.
 */
export const agentSessionId = (owner: Principal, sessionId: string): string => markedId(owner, sessionId);

/**
 * An id that is one principal's alone, of what is chosen by each for itself: the same where that is {@link LOCAL}, else that
 * and a mark of the principal. Whoever sees another's thing calls it so.
 * @param separator - what stands between the two; it, and the mark, fit the id's alphabet
 * @param longest - characters that it may have
 */
export function markedId(
  owner: Principal,
  id: string,
  separator: keyof typeof MARKED = ':',
  longest = MAX_SESSION_ID,
): string {
  // What looks like another principal's is marked as well: nobody reaches a stranger's thing by its name.
  if (isSamePrincipal(owner, LOCAL) && !MARKED[separator].test(id)) return id;
  const most = longest - MARK_LENGTH - 1;
  // Agents were promised so many characters at most. A hash is as much its own as the id.
  const name = id.length <= most ? id : `${id.slice(0, most - 52)}${separator}${base32(id, 51)}`;
  return `${name}${separator}${markOf(owner)}`;
}

/** What a client calls a thing that it sees: its own as its owner chose, another principal's by {@link markedId}. */
export const idFor = ({ principal }: { principal: Principal }, owner: Principal, id: string, marked: string): string =>
  isSamePrincipal(principal, owner) ? id : marked;

function markOf(owner: Principal): string {
  let mark = marks.get(owner);
  if (mark === undefined) {
    mark = base32(principalKey(owner), MARK_LENGTH);
    marks.set(owner, mark);
  }
  return mark;
}

/** The first so many characters of the hash of a text, five bits each. */
function base32(text: string, length: number): string {
  const hash = createHash('sha256').update(text).digest();
  let bits = 0;
  let count = 0;
  let written = '';
  for (const byte of hash) {
    bits = (bits << 8) | byte;
    count += 8;
    while (count >= 5 && written.length < length) {
      count -= 5;
      written += BASE32[(bits >>> count) & 31];
    }
    bits &= (1 << count) - 1;
  }
  return written;
}
