import { isObject } from '../protocol/json.ts';

/**
 * What it takes to go on with a turn from another connection or another process (`wire.md` section 8), as JSON.
 *
 * It is a **secret**: whoever has it may read this turn, answer its approvals and cancel it. Keep it where you would
 * keep a password, and no longer than the turn is of interest.
 */
export interface ChatHandle {
  agent_id: string;
  session_id: string;
  turn_id: string;
  resume_token: string;
  /** The last event that was read; the terminal does not count, so that whoever resumes a finished turn gets it. */
  seq: number;
  /** How much of the answer's text was read. UTF-16 code units. */
  text_length: number;
  /** How long the turn waits for its host, in milliseconds. */
  resume_window_ms: number;
}

const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isId = (value: unknown) => typeof value === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(value);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

const FIELDS: Readonly<Record<keyof ChatHandle, (value: unknown) => boolean>> = {
  agent_id: isId,
  session_id: isId,
  turn_id: isText,
  resume_token: isText,
  seq: isCount,
  text_length: isCount,
  resume_window_ms: isCount,
};

/** @throws {TypeError} where it is no handle. It does not repeat what it was given, which may be a secret. */
export function checkHandle(input: unknown): ChatHandle {
  if (!isObject(input)) throw new TypeError("not a chat's handle");
  const entries = Object.entries(FIELDS);
  const wrong = entries.filter(([name, fits]) => !fits(input[name])).map(([name]) => name);
  if (wrong.length > 0) throw new TypeError(`not a chat's handle: ${wrong.join(', ')}`);
  return Object.fromEntries(entries.map(([name]) => [name, input[name]])) as unknown as ChatHandle;
}
