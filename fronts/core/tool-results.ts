import { unread } from '../../protocol/frame-scan.ts';
import { unwritable } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';

/** So many levels an answer has around a tool's result on its way to the agent. */
const AROUND = 8;

/**
 * What a client's tool has given, which it sends as a text: JSON where it can be read as that, and sent on, else the text. It is
 * bounded as a message is: within a string the body's own bounds do not see it.
 */
export function resultOf(text: string): unknown {
  if (unread(text)) return text;
  try {
    const value = parseJson(text);
    return unwritable(value, AROUND) === undefined ? value : text;
  } catch {
    return text;
  }
}
