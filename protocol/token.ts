import type { CheckedEvent } from './events.ts';

/**
 * A `token` event with nothing in it but what its turn and these say: cheap to write, and free to be merged with its
 * neighbour (`wire.md` section 9).
 */
export interface Token {
  /** Everything of the frame that is the same for each token of its turn: {@link tokenHead}. */
  head: string;
  seq: number;
  /** The first of those merged into it; the same as `seq` where it is alone. */
  seqFrom: number;
  delta: string;
}

/** What an agent's `token` may hold to be a plain one: `aseq` is the broker's, and goes no further. */
const PLAIN_KEYS: ReadonlySet<string> = new Set(['session_id', 'turn_id', 'kind', 'delta', 'aseq']);

/** Whether a checked event is a token that nothing would be lost of. */
export function isPlainToken(params: CheckedEvent): params is CheckedEvent & { kind: 'token'; delta: string } {
  if (params.kind !== 'token') return false;
  for (const key in params) if (!PLAIN_KEYS.has(key)) return false;
  return true;
}

/** The beginning that all token frames of one turn have in common. */
export function tokenHead(stamp: { session_id: string; turn_id: string; agent_id: string }): string {
  const params = JSON.stringify({ ...stamp, kind: 'token' });
  return `{"jsonrpc":"2.0","method":"agents.chat.event","params":${params.slice(0, -1)},`;
}

/** A token as the text of its frame. */
export function tokenText({ head, seq, seqFrom, delta }: Token): string {
  const from = seqFrom === seq ? '' : `"seq_from":${seqFrom},`;
  return `${head}${from}"seq":${seq},"delta":${JSON.stringify(delta)}}}`;
}
