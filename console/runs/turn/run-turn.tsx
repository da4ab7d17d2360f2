import type { RecordedTurn, RecordedTurnLog } from '../../../protocol/recording.ts';
import { visibleLine } from '../../../protocol/visible.ts';
import { clockTime } from '../../format.ts';
import { oneLine } from '../../preview.ts';
import type { Moment } from '../moment.ts';

interface RunTurnProps {
  turn: RecordedTurn;
  /** What has come of it; of a live turn more follows. */
  log: RecordedTurnLog;
  view: Moment['view'];
  event: Moment['event'];
  /** The person has moved to another record or view. */
  onMoment(moment: Partial<Moment>): void;
}

/** Records that are drawn. */
const MAX_SHOWN = 2_000;

/** What was recorded of a turn, as it came. */
export function RunTurn({ log, event, onMoment }: RunTurnProps) {
  return (
    <ol class="run-records">
      {log.records.slice(0, MAX_SHOWN).map((record) => (
        <li key={record.sequence} aria-current={record.sequence === event ? 'true' : undefined}>
          <button type="button" class="quiet small" onClick={() => onMoment({ event: record.sequence })}>
            <code>
              {record.sequence} {clockTime(record.at)} {record.type}{' '}
              {'event' in record ? visibleLine(record.event) : ''}{' '}
              {record.type === 'text' ? oneLine(record.text) : 'payload' in record ? oneLine(record.payload) : ''}
            </code>
          </button>
        </li>
      ))}
    </ol>
  );
}
