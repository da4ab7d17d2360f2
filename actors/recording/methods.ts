import { WireError } from '../../protocol/errors.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { answerLater } from '../requests/answer-later.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { findTurns } from './find.ts';
import { RECORDING, type Recording } from './recording.ts';
import { answerOf } from './told.ts';

/** So long a search may take. Milliseconds. */
const SEARCH_MS = 30_000;

function recordingOf(kernel: Kernel): Recording {
  const recording = kernel.peek(RECORDING);
  if (!recording) throw WireError.methodNotFound();
  return recording;
}

/** `inspect.turns` (`docs/protocol.md` section 12): unknown without `--record`. */
const inspectTurns: Handler<'inspect.turns'> = (call) => {
  const { kernel, params } = call;
  const recording = recordingOf(kernel);
  void answerLater(call, 'inspect.turns', SEARCH_MS, async ({ signal }) => {
    await recording.loaded;
    const { rows, cursor, isTruncated } = await findTurns(kernel, recording.shelf, params, () => signal.aborted);
    const { size, bytes, droppedTurns } = recording.shelf;
    const kept = { turns: size, bytes, dropped: droppedTurns, on_disk: recording.isOnDisk };
    const end = `${cursor === undefined ? '' : `,"cursor":${writeJson(cursor)}`}${isTruncated ? ',"truncated":true' : ''}`;
    return new JsonText(`{"turns":[${rows.join(',')}],"kept":${writeJson(kept)}${end}}`, { kept });
  });
  return LATER;
};

/** `inspect.turn` (`docs/protocol.md` section 12). */
const inspectTurn: Handler<'inspect.turn'> = (call) => {
  const { kernel, params } = call;
  const recording = recordingOf(kernel);
  void answerLater(call, 'inspect.turn', SEARCH_MS, async () => {
    await recording.loaded;
    const tape = recording.shelf.get(params.turn_id);
    if (!tape) throw WireError.notFound('recorded turn');
    return answerOf(kernel, tape, params.after, recording.machines);
  });
  return LATER;
};

/** What the recorder answers. */
export const recordingMethods: Handlers = {
  'inspect.turns': inspectTurns,
  'inspect.turn': inspectTurn,
};
