import type { MachineDefinition } from '../../protocol/inspect.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { atBroker } from '../kernel/at-broker.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Fitting } from '../requests/fitting.ts';
import type { Tape } from './tape.ts';

/**
 * What a tape has after this number, as `inspect.turn` answers: charts and actors only for whoever has nothing of it yet.
 */
export function answerOf(
  kernel: Pick<Kernel, 'brokerId' | 'clock'>,
  tape: Tape,
  after: number | undefined,
  machines: Record<string, MachineDefinition>,
): JsonText {
  // What is said at this moment is to be read, but for a word that is still being said.
  tape.cutText(!tape.isLive);
  const fitting = new Fitting();
  const turn = writeJson({ ...tape.told(kernel.clock.now()), ...atBroker(kernel) });
  const isFirst = after === undefined;
  const head = [turn, isFirst ? writeJson(machines) : '{}'];
  fitting.first(head.map((text) => new JsonText(text)));
  const actors = isFirst ? fitting.first(tape.actors.map((text) => new JsonText(text))) : [];
  const from = Math.max(tape.first, (after ?? 0) + 1);
  const records = fitting.first(recordsOf(tape, from));
  const next = records.length === 0 ? Math.max(after ?? 0, tape.first - 1) : from + records.length - 1;
  const more = fitting.isTruncated ? ',"more":true' : '';
  const lists = `"actors":[${actors.join(',')}],"records":[${records.join(',')}]`;
  return new JsonText(`{"turn":${head[0]},"machines":${head[1]},${lists},"next":${next}${more}}`, {
    turn_id: tape.turnId,
  });
}

function* recordsOf(tape: Tape, from: number): Generator<JsonText> {
  for (let sequence = from; sequence <= tape.last; sequence += 1) yield new JsonText(tape.record(sequence));
  const pending = tape.pendingDrop();
  if (pending && from <= tape.last + 1) yield new JsonText(pending);
}
