import { memo } from 'preact/compat';
import type { RecordedTurn } from '../../../protocol/recording.ts';
import type { Sequence, Story } from '../../charts/sequence.ts';
import { durationOf } from '../../charts/sequence-row.tsx';
import { tookOf } from '../../charts/sequence-spans.ts';
import { clockTime, count } from '../../format.ts';
import { type Player, SPEEDS } from './player.ts';
import type { TurnModel } from './use-turn.ts';

/** So many waits and faults are marked on the line. */
const MARKS = 300;

/** Where in the turn the page stands: to be moved, stepped and played. */
export function TimeLine({ turn, model }: { turn: RecordedTurn; model: TurnModel }) {
  const { player, story, sequence } = model;
  const moments = player.moments.value;
  const index = player.index.value;
  const first = moments[0]?.at ?? turn.started_at;
  const whole = Math.max(1, player.end.value - first);
  const label = sequence.arrows[index]?.label ?? 'nothing yet';
  const after = Math.max(0, Math.round(player.at.value - first));
  const isLive = turn.ended_at === undefined;
  return (
    <section class="time-line" aria-label="Time line">
      <div class="time-track">
        <Marks story={story} sequence={sequence} first={first} whole={whole} />
        <input
          type="range"
          min={0}
          max={whole}
          step={1}
          value={after}
          aria-label="Moment"
          aria-valuetext={`${index + 1} of ${moments.length}, after ${durationOf(after)}: ${label}`}
          // Its own keys would go by milliseconds: the page's go by moments.
          onInput={({ currentTarget }) => player.seekTime(first + Number(currentTarget.value))}
        />
      </div>
      <div class="time-tools">
        <Buttons player={player} />
        <label>
          <span class="hidden">Speed</span>
          <select
            value={player.speed.value}
            onChange={({ currentTarget }) => {
              player.speed.value = Number(currentTarget.value);
            }}
          >
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>
                {speed} ×
              </option>
            ))}
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={player.skipsPauses.value}
            onChange={({ currentTarget }) => {
              player.skipsPauses.value = currentTarget.checked;
            }}
          />{' '}
          shorten pauses
        </label>
        {isLive ? (
          <button
            type="button"
            class="small"
            aria-pressed={player.follows.value}
            onClick={() => (player.follows.value ? player.seek(index) : player.follow())}
          >
            {player.follows.value ? 'Live: pause' : 'Go on live'}
          </button>
        ) : null}
        <p class="time-now">
          <span>
            {count(index + 1)} of {count(moments.length)} ·{' '}
            <time title={clockTime(first + after)}>+{durationOf(after)}</time>
          </span>{' '}
          <bdi class="time-label">{label}</bdi>
        </p>
      </div>
    </section>
  );
}

function Buttons({ player }: { player: Player }) {
  const index = player.index.value;
  const last = player.moments.value.length - 1;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form
    <div class="time-buttons" role="group" aria-label="Playing">
      <button
        type="button"
        class="small"
        aria-label="To the beginning"
        disabled={index <= 0}
        onClick={() => player.seek(0)}
      >
        |◂
      </button>
      <button type="button" class="small" aria-label="Step back" disabled={index <= 0} onClick={() => player.step(-1)}>
        ◂
      </button>
      <button type="button" class="small time-play" disabled={last < 1} onClick={() => player.toggle()}>
        {player.isPlaying.value ? 'Pause' : 'Play'}
      </button>
      <button type="button" class="small" aria-label="Step on" disabled={index >= last} onClick={() => player.step(1)}>
        ▸
      </button>
      <button
        type="button"
        class="small"
        aria-label="To the end"
        disabled={index >= last}
        onClick={() => player.follow()}
      >
        ▸|
      </button>
    </div>
  );
}

interface MarksProps {
  story: Story;
  sequence: Sequence;
  /** When the line begins, and how long it is. Milliseconds. */
  first: number;
  whole: number;
}

/** Tools, waits for a person and what went wrong, where they were. They stay while one steps. */
const Marks = memo(({ story, sequence, first, whole }: MarksProps) => {
  const place = (at: number) => `${Math.max(0, Math.min(100, ((at - first) / whole) * 100))}%`;
  const spans = story.spans.filter(({ kind }) => kind !== 'request').slice(0, MARKS);
  const faults = sequence.arrows.filter(({ tone }) => tone === 'bad').slice(0, MARKS);
  return (
    <div class="time-marks" aria-hidden="true">
      {spans.map((span) => {
        const at = span.start.legs[0]?.at ?? first;
        const took = tookOf(span) ?? first + whole - at;
        return (
          <i
            key={span.start.legs[0]?.sequence}
            class={span.kind}
            style={{ left: place(at), width: `${Math.min(100, (took / whole) * 100)}%` }}
          />
        );
      })}
      {faults.map(({ message }) => (
        <i key={`fault ${message.sequence}`} class="fault" style={{ left: place(message.at) }} />
      ))}
    </div>
  );
});
