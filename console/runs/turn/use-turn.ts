import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RecordedTurn, RecordedTurnLog } from '../../../protocol/recording.ts';
import { type Arrow, type Sequence, type Story, sequenceOf, storyOf } from '../../charts/sequence.ts';
import { showsInside } from '../../charts/sequence-rows.tsx';
import type { Moment } from '../moment.ts';
import { momentsOf } from './moments.ts';
import { Pace } from './pace.ts';
import { Player } from './player.ts';
import { RecordedLog } from './recorded-log.ts';
import { stepsOf, type TurnStep, whoOf } from './steps.ts';
import { type TurnEntry, transcriptOf } from './transcript.ts';

/** Everything that the parts of a turn's page draw. */
export interface TurnModel {
  readonly recorded: RecordedLog;
  readonly story: Story;
  readonly sequence: Sequence;
  readonly entries: readonly TurnEntry[];
  readonly steps: readonly TurnStep[];
  readonly player: Player;
  /** Those that have a chart of their own in this turn. */
  readonly actors: readonly { readonly id: string; readonly title: string }[];
  /** Goes to an arrow. */
  choose(arrow: Arrow): void;
}

/** Reads what was recorded, and again when more of it has come. */
export function useTurnModel(turn: RecordedTurn, log: RecordedTurnLog, event: number | undefined): TurnModel {
  const recorded = useMemo(() => new RecordedLog(), []);
  const player = useMemo(() => new Player(event), []);
  const pace = useMemo(() => new Pace(), []);
  const [, again] = useState(0);
  const version = useRef(0);
  const begun = performance.now();
  const wait = pace.left(begun);
  const isNew = wait === 0 && recorded.take(log);
  if (isNew) version.current += 1;
  useEffect(() => {
    if (wait === 0) return;
    const timer = setTimeout(() => again((before) => before + 1), wait);
    return () => clearTimeout(timer);
  }, [log, wait === 0]);
  const { value: inside } = showsInside;
  const read = useMemo(() => {
    const story = storyOf(recorded.messages);
    return { story, steps: stepsOf(recorded), actors: actorsOf(recorded) };
  }, [version.current]);
  const { story } = read;
  const entries = useMemo(() => transcriptOf(turn, recorded, story), [story, turn.state]);
  const sequence = useMemo(
    () => sequenceOf(story, recorded.turn?.now ?? NO_TURN, inside),
    [story, inside, recorded.turn],
  );
  const moments = useMemo(() => momentsOf(sequence.arrows), [sequence]);
  if (isNew) pace.took(begun, performance.now());
  const end = turn.ended_at ?? recorded.lastAt;
  useLayoutEffect(() => player.renew(moments, end), [player, moments, end]);
  const choose = useCallback((arrow: Arrow) => player.seekEvent(arrow.message.sequence), [player]);
  return { recorded, ...read, sequence, entries, player, choose };
}

const NO_TURN = { name: '', context: {} };

function actorsOf({ actors }: RecordedLog): TurnModel['actors'] {
  return [...actors.values()]
    .filter(({ first: { machine } }) => machine !== 'connection' && machine !== 'broker')
    .map((actor) => ({ id: actor.first.id, title: whoOf(actor) }));
}

/** Keeps the address and the player together: where a person goes it says so, and what it says is gone to. */
export function useAddress(
  player: Player,
  event: number | undefined,
  onMoment: (moment: Partial<Moment>) => void,
): void {
  /** What the address was told last, or has said. */
  const said = useRef(event);
  const tell = useRef(onMoment);
  tell.current = onMoment;
  useEffect(() => {
    if (event === said.current) return;
    said.current = event;
    if (event === undefined) player.follow();
    else player.seekEvent(event);
  }, [player, event]);
  const index = player.index.value;
  const isPlaying = player.isPlaying.value;
  const follows = player.follows.value;
  useEffect(() => {
    // As it stands by now, not when this was drawn: the player may have been given its moments since.
    const moments = player.moments.peek();
    const here = player.follows.peek() ? undefined : moments[player.index.peek()]?.event;
    // While it plays the address waits.
    if (isPlaying || here === said.current || moments.length === 0) return;
    said.current = here;
    tell.current({ event: here });
  }, [index, follows, isPlaying, player.moments.value]);
}
