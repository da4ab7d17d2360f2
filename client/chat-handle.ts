import { z } from 'zod';
import { agentId, sessionId } from '../protocol/ids.ts';

/**
 * What it takes to go on with a turn from another connection or another process (`wire.md` section 8), as JSON.
 *
 * It is a **secret**: whoever has it may read this turn, answer its approvals and cancel it. Keep it where you would
 * keep a password, and no longer than the turn is of interest.
 */
export const chatHandle = z.object({
  agent_id: agentId,
  session_id: sessionId,
  turn_id: z.string().min(1),
  resume_token: z.string().min(1),
  /** The last event that was read; the terminal does not count, so that whoever resumes a finished turn gets it. */
  seq: z.int().min(0),
  /** How much of the answer's text was read. UTF-16 code units. */
  text_length: z.int().min(0),
  /** How long the turn waits for its host, in milliseconds. */
  resume_window_ms: z.int().min(0),
});
/** See {@link chatHandle}. */
export type ChatHandle = z.infer<typeof chatHandle>;

/** @throws {TypeError} where it is no handle. It does not repeat what it was given, which may be a secret. */
export function checkHandle(input: unknown): ChatHandle {
  const { success, data, error } = chatHandle.safeParse(input);
  if (success) return data;
  const fields = [...new Set(error.issues.map(({ path }) => path.join('.')))].filter((path) => path !== '');
  throw new TypeError(`not a chat's handle${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`);
}
