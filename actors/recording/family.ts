import type { RecordOptions } from '../../protocol/record-store.ts';
import { metric } from '../kernel/metric.ts';
import type { Chart, Family } from '../requests/family.ts';
import { recordingMethods } from './methods.ts';
import { RECORDING, Recording } from './recording.ts';

/** Turns that can be opened again (`docs/protocol.md` section 12). */
export const recording: Family<{ record?: boolean | RecordOptions | undefined; charts: readonly Chart[] }> = {
  name: 'recording',
  install(kernel, { record = false, charts }) {
    const options = record === true ? {} : record;
    const kept = options ? kernel.put(RECORDING, new Recording(kernel, charts, options)) : undefined;
    const shelf = kept?.shelf;
    return {
      methods: recordingMethods,
      metrics: [
        metric('gauge', 'recorded_turns', 'Turns that are recorded and kept.', () => shelf?.size ?? 0),
        metric('gauge', 'recorded_bytes', 'Bytes that they take, about.', () => shelf?.bytes ?? 0),
        metric(
          'counter',
          'recorded_dropped_turns_total',
          'Recorded turns that went for want of room since the start.',
          () => shelf?.droppedTurns ?? 0,
        ),
        metric(
          'counter',
          'recorded_dropped_records_total',
          'Records of turns that there was no room for since the start.',
          () => shelf?.droppedRecords ?? 0,
        ),
        metric('gauge', 'recorded_degraded', '1 while what is recorded should be written to disk and cannot be.', () =>
          kept?.isDegraded ? 1 : 0,
        ),
      ],
      starting: () => kept?.attach(),
      answered() {
        const flushed = kept?.flush();
        return flushed ? [flushed] : [];
      },
      sweep: () => kept?.sweep(kernel.wall.now()),
    };
  },
};
