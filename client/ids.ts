/** A fresh session id, `chat-<uuid>` as the broker would make it (`wire.md` section 6). */
export const newSessionId = (): string => `chat-${uuid()}`;

/** What a reader of a turn claims it by, against all others. */
export const newClaim = (): string => uuid();

/** A fresh id for an agent's approval. */
export const newApprovalId = (): string => `ask-${uuid()}`;

/** A fresh id for a voice stream: one that binary frames can have (`wire.md` section 11). */
export const newStreamId = (): string => uuid().replaceAll('-', '');

/** By `getRandomValues`, because browsers have `randomUUID` in secure contexts only. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-');
}
