/** A fresh session id, `chat-<uuid>` as the broker would make it (`wire.md` section 6). */
export const newSessionId = (): string => `chat-${uuid()}`;

/** What a reader of a turn claims it by, against all others. */
export const newClaim = (): string => uuid();

/** A fresh id for an agent's approval. */
export const newApprovalId = (): string => `ask-${uuid()}`;

/** A fresh name for what an agent has a tool do. */
export const newActionId = (): string => `act-${uuid()}`;

/** A fresh id for a voice stream: one that binary frames can have (`wire.md` section 11). */
export const newStreamId = (): string => uuid().replaceAll('-', '');

/** A secret that a host chooses for its turn: 244 random bits. */
export const newResumeToken = (): string => newStreamId() + newStreamId();

/** By `getRandomValues`, because browsers have `randomUUID` in secure contexts only. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
