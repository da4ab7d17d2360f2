import { useMemo } from 'preact/hooks';
import type { WatchedActor } from './model.ts';
import { sequenceOf, storyOf } from './sequence.ts';
import { SequenceRows, showsInside } from './sequence-rows.tsx';
import { feed } from './watching.ts';

/** The messages of a live turn, as they come. */
export function SequenceView({ turn }: { turn: WatchedActor }) {
  const { value: version } = feed.slowVersion;
  const { value: inside } = showsInside;
  const log = feed.model.logs.of(turn.id);
  const sequence = useMemo(() => {
    return sequenceOf(storyOf(log ?? { turn: turn.id, messages: [], forgotten: 0, isSampled: false }), turn, inside);
  }, [log, turn, inside, version]);
  return (
    <SequenceRows
      name={turn.name}
      sequence={sequence}
      empty="No message of this turn has been seen: it began before you watched."
    />
  );
}
