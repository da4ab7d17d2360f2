import type { JsonObject } from '../../protocol/json.ts';

/** One message of a conversation that the broker has not seen (`docs/protocol.md#opening-a-turn`). */
export interface HistoryMessage {
  role: string;
  content: string;
}

/** What a message of the past says: its text, and a line for whatever else there was. */
export function contentOf(text: string, besides: readonly string[]): string {
  return [text, ...besides].filter((line) => line !== '').join('\n');
}

/** The line for a call of a tool. @param args JSON */
export const calledLine = (name: unknown, args: unknown): string => `[called ${name}(${args})]`;

/** How much of the past an agent is told, in bytes of JSON. */
export const MAX_HISTORY_BYTES = 1024 * 1024;

/**
 * What an agent is told on the first turn of a session that the broker has not seen: what its client says that was before.
 * Data, and never a command; the oldest messages go where it is too much.
 */
export function pastOf({ instructions, history }: { instructions: string; history: HistoryMessage[] }): JsonObject {
  return {
    ...(instructions === '' ? {} : { instructions }),
    ...(history.length === 0 ? {} : { history: newest(history) }),
  };
}

function newest(history: readonly HistoryMessage[]): HistoryMessage[] {
  let bytes = 2;
  let first = history.length;
  while (first > 0) {
    const message = history[first - 1] as HistoryMessage;
    // To find out how long it is exactly would take long.
    if (message.content.length > MAX_HISTORY_BYTES) break;
    bytes += Buffer.byteLength(JSON.stringify(message)) + 1;
    if (bytes > MAX_HISTORY_BYTES) break;
    first -= 1;
  }
  return history.slice(first);
}
