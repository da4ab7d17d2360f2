import { useMemo } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { crossingOf } from './crossing.ts';
import type { WatchedActor } from './model.ts';
import { sequenceOf, storyOf } from './sequence.ts';
import type { TurnFacts } from './sequence-lifelines.ts';
import { SequenceRows, showsInside } from './sequence-rows.tsx';
import { feed } from './watching.ts';

/** The messages of a live turn, as they come. */
export function SequenceView({ turn }: { turn: WatchedActor }) {
  const { value: version } = feed.slowVersion;
  const { value: inside } = showsInside;
  const log = feed.model.logs.of(turn.id);
  const sequence = useMemo(() => {
    const story = storyOf(log ?? { turn: turn.id, messages: [], forgotten: 0, isSampled: false });
    return sequenceOf(story, factsOf(turn), inside);
  }, [log, turn, inside, version]);
  return (
    <SequenceRows
      name={turn.name}
      sequence={sequence}
      empty="No message of this turn has been seen: it began before you watched."
    />
  );
}

/** Of one whose host is at another broker, both brokers: the host's own connection is there. */
function factsOf(turn: WatchedActor): TurnFacts {
  const parts = crossingOf(feed.model, turn);
  if (!parts) return turn;
  const at = (part: 'host' | 'agent', name: string) => {
    const found = parts.find((one) => one.part === part);
    return `${name}, broker ${visibleLine(found?.broker ?? '')}`;
  };
  const host = parts.find(({ part }) => part === 'host')?.actor?.name ?? String(turn.context.host);
  const { agent_id: agent } = turn.context;
  return {
    name: turn.name,
    context: { ...turn.context, host: at('host', host), agent_id: at('agent', String(agent)) },
  };
}
