/** A new session's id. Known before the first frame is sent, so that its frames find their conversation. */
export function newSessionId(): string {
  // Not `randomUUID()`: there is none on a page that came over plain HTTP from another machine.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
