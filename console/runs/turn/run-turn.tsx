import '../../charts/side.css';
import '../../charts/chart.css';
import '../../charts/sequence.css';
import './turn.css';
import './panes.css';
import './waterfall.css';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RecordedTurn, RecordedTurnLog } from '../../../protocol/recording.ts';
import { ChartView } from '../../charts/chart-view.tsx';
import { SequenceRows } from '../../charts/sequence-rows.tsx';
import { count } from '../../format.ts';
import type { Moment, View } from '../moment.ts';
import { ContextPane } from './context-pane.tsx';
import type { Player } from './player.ts';
import type { RecordedActor } from './recorded-log.ts';
import { Replay } from './replay.ts';
import { StepsPane } from './steps-pane.tsx';
import { TimeLine } from './time-line.tsx';
import { TranscriptPane } from './transcript-pane.tsx';
import { useKeys } from './use-keys.ts';
import { type TurnModel, useAddress, useTurnModel } from './use-turn.ts';
import { WaterfallView } from './waterfall-view.tsx';

interface RunTurnProps extends Moment {
  turn: RecordedTurn;
  /** What was recorded of it. A live turn's grows: records are added, and stay the same objects. */
  log: RecordedTurnLog;
  /** The person has moved: the address is to say so. */
  onMoment(moment: Partial<Moment>): void;
}

/** One turn, live or over, opened at a moment: its chart, sequence, waterfall, transcript and context, and a time line. */
export function RunTurn({ turn, log, view, event, onMoment }: RunTurnProps) {
  const model = useTurnModel(turn, log, event);
  const { player, recorded } = model;
  const root = useRef<HTMLElement>(null);
  useAddress(player, event, onMoment);
  useKeys(root, player);
  usePlaying(player);
  const [actorId, setActor] = useState<string>();
  const actor = recorded.actors.get(actorId ?? '') ?? recorded.turn;
  return (
    <article ref={root} class="run-turn" aria-label={`Turn of ${turn.agent_id}`} data-view={view}>
      <ActorChoice model={model} actor={actor} onChoose={setActor} />
      {recorded.dropped > 0 ? (
        <p class="soft turn-dropped">
          {count(recorded.dropped)} records are missing: the recorder had no room for them. What is between is as it
          was.
        </p>
      ) : null}
      <div class="turn-main">
        <Main view={view} turn={turn} model={model} actor={actor} />
      </div>
      <div class="turn-side">
        {view === 'transcript' ? null : <TranscriptPane model={model} />}
        {view === 'context' || !actor ? null : <ContextPane player={player} actor={actor} />}
        <StepsPane model={model} />
      </div>
      <TimeLine turn={turn} model={model} />
    </article>
  );
}

interface MainProps {
  view: View;
  turn: RecordedTurn;
  model: TurnModel;
  actor: RecordedActor | undefined;
}

function Main({ view, turn, model, actor }: MainProps) {
  const { player, sequence } = model;
  switch (view) {
    case 'chart':
      return actor ? <Chart model={model} actor={actor} /> : <p class="empty">Nothing was recorded of its actors.</p>;
    case 'sequence':
      return (
        <SequenceRows
          name={turn.turn_id}
          sequence={sequence}
          current={player.index.value}
          onChoose={model.choose}
          empty="No message of this turn was recorded."
        />
      );
    case 'waterfall':
      return <WaterfallView turn={turn} model={model} />;
    case 'transcript':
      return <TranscriptPane model={model} />;
    case 'context':
      return actor ? <ContextPane player={player} actor={actor} /> : null;
  }
}

function Chart({ model, actor }: { model: TurnModel; actor: RecordedActor }) {
  const { player, recorded } = model;
  const until = untilOf(player);
  const replay = useMemo(() => new Replay(actor, until), [actor]);
  const source = useMemo(() => ({ version: player.index, model: recorded }), [player, recorded]);
  return <ChartView actor={replay.moveTo(until)} source={source} />;
}

/** Which actor's chart and context are shown: the turn's own, or that of a tool call or an approval. */
function ActorChoice(props: { model: TurnModel; actor: RecordedActor | undefined; onChoose(id: string): void }) {
  const { model, actor, onChoose } = props;
  const choices = model.actors;
  if (choices.length < 2) return null;
  return (
    <label class="turn-bar">
      Chart and context of{' '}
      <select value={actor?.first.id} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        {choices.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The last record that belongs to the moment. */
export const untilOf = ({ moments, index }: Player): number =>
  moments.value[index.value]?.until ?? Number.POSITIVE_INFINITY;

/** What plays goes on with each picture. */
function usePlaying(player: Player): void {
  const { value: isPlaying } = player.isPlaying;
  useEffect(() => {
    if (!isPlaying) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function next(now) {
      player.tick(Math.max(0, now - last));
      last = now;
      frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [player, isPlaying]);
}
