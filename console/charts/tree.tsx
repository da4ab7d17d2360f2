import { useEffect, useRef, useState } from 'preact/hooks';
import { shownAt } from '../broker-clock.ts';
import { count } from '../format.ts';
import { useScroll } from '../use-scroll.ts';
import { endOf } from './ends.ts';
import { namesOf, type WatchedActor } from './model.ts';
import { shortAge } from './times.ts';
import { shortName, type TreeRow, titleOf } from './tree-rows.ts';
import { feed } from './watching.ts';

const ROW_PX = 24;
/** Rows beyond those in sight that are drawn too, so that scrolling shows no gaps. */
const BEYOND = 8;
const GROUP_NAMES: Record<string, string> = {
  turn: 'turns',
  approval: 'approvals',
  callback: 'callbacks',
  connection: 'connections',
};

interface ActorTreeProps {
  rows: readonly TreeRow[];
  /** The id of the actor that is shown. */
  selected: string | undefined;
  onSelect(actor: WatchedActor): void;
  onToggle(id: string, isOpen: boolean): void;
}

/**
 * Every actor, below the one that started it. Only the rows in sight are drawn, so the tree itself keeps the keyboard's
 * focus and names its active row.
 */
export function ActorTree({ rows, selected, onSelect, onToggle }: ActorTreeProps) {
  const box = useRef<HTMLDivElement>(null);
  const scroll = useScroll(box);
  const [activeId, setActive] = useState<string>();
  const found = rows.findIndex(({ id }) => id === (activeId ?? selected));
  const active = found < 0 ? 0 : found;

  // What another page links to is brought into sight, and the arrow keys go on from there.
  useEffect(() => {
    setActive(undefined);
    const index = rows.findIndex(({ id }) => id === selected);
    if (index >= 0) bringIntoSight(box.current, index);
  }, [selected]);

  const moveTo = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setActive(rows[next]?.id);
    bringIntoSight(box.current, next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = treeKeys(row, rows, active, { moveTo, onToggle, onSelect })[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  const first = Math.max(0, Math.floor(scroll.top / ROW_PX) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((scroll.top + scroll.height) / ROW_PX) + BEYOND);
  // The active row is there even where it is out of sight: the tree points at it.
  const drawn = [...new Set([...range(first, last), active])].filter((index) => index < rows.length);
  return (
    <div
      ref={box}
      class="tree"
      role="tree"
      aria-label="Actors"
      tabIndex={0}
      aria-activedescendant={rows[active] ? domId(rows[active].id) : undefined}
      onKeyDown={onKeyDown}
    >
      <div class="tree-space" style={{ height: `${rows.length * ROW_PX}px` }}>
        {drawn.map((index) => {
          const row = rows[index];
          if (!row) return null;
          return (
            <Row
              key={row.id}
              row={row}
              top={index * ROW_PX}
              isSelected={row.id === selected}
              isActive={index === active}
              onPress={() => {
                setActive(row.id);
                if (row.actor) onSelect(row.actor);
                else onToggle(row.id, !row.isOpen);
              }}
              onToggle={() => onToggle(row.id, !row.isOpen)}
            />
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  row: TreeRow;
  top: number;
  isSelected: boolean;
  isActive: boolean;
  onPress(): void;
  onToggle(): void;
}

function Row({ row, top, isSelected, isActive, onPress, onToggle }: RowProps) {
  const { actor, group, level, isOpen } = row;
  const press = (event: MouseEvent) => {
    const isTwist = event.target instanceof Element && event.target.closest('.tree-twist') !== null;
    if (isTwist && isOpen !== undefined) onToggle();
    else onPress();
  };
  const isEnded = actor?.endedAt !== undefined;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and points here
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree hears the keys
    <div
      id={domId(row.id)}
      class={`tree-row${isActive ? ' at' : ''}${isEnded ? ' ended' : ''}`}
      role="treeitem"
      aria-level={level}
      aria-expanded={isOpen}
      aria-selected={isSelected}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      style={{ top: `${top}px`, paddingLeft: `${(level - 1) * 13 + 4}px` }}
      onClick={press}
    >
      <span class="tree-twist" aria-hidden="true">
        {isOpen === undefined ? '' : isOpen ? '▾' : '▸'}
      </span>
      {group ? (
        <span class="tree-group">
          {GROUP_NAMES[group.kind] ?? group.kind} <span class="tree-count">{count(group.count)}</span>
        </span>
      ) : null}
      {actor ? <ActorCells actor={actor} /> : null}
    </div>
  );
}

function ActorCells({ actor }: { actor: WatchedActor }) {
  // The record changes in place: whoever draws it has to listen.
  void feed.slowVersion.value;
  const until = actor.endedAt ?? shownAt.value;
  return (
    <>
      <span class="tree-title">{titleOf(actor)}</span>
      {actor.machine === 'broker' ? null : <span class="tree-name">{shortName(actor)}</span>}
      <span class="tree-state" data-tone={toneOf(actor)}>
        {namesOf(actor.state).join(' ')}
      </span>
      <span class="tree-age">{actor.endedAt === undefined ? shortAge(until - actor.startedAt) : 'ended'}</span>
    </>
  );
}

/** How an actor is doing, as a colour. */
export function toneOf({ status, state, machine }: WatchedActor): string | undefined {
  const names = namesOf(state);
  const ends = status === 'active' ? [] : names.map(endOf);
  if (status === 'error' || ends.includes('bad')) return 'bad';
  if (ends.includes('warn')) return 'warn';
  if (names.includes('parked') || (machine === 'approval' && names.includes('pending'))) return 'warn';
  return status === 'active' ? 'good' : undefined;
}

interface TreeActs {
  moveTo(index: number): void;
  onToggle(id: string, isOpen: boolean): void;
  onSelect(actor: WatchedActor): void;
}

/** The keys of a tree, as assistive technology expects them (WAI-ARIA practices). */
function treeKeys(row: TreeRow, rows: readonly TreeRow[], at: number, acts: TreeActs): Record<string, () => void> {
  const choose = () => {
    if (row.actor) acts.onSelect(row.actor);
    else acts.onToggle(row.id, !row.isOpen);
  };
  return {
    ArrowDown: () => acts.moveTo(at + 1),
    ArrowUp: () => acts.moveTo(at - 1),
    Home: () => acts.moveTo(0),
    End: () => acts.moveTo(rows.length - 1),
    ArrowRight: () => {
      if (row.isOpen === false) acts.onToggle(row.id, true);
      else if (row.isOpen) acts.moveTo(at + 1);
    },
    ArrowLeft: () => {
      if (row.isOpen) acts.onToggle(row.id, false);
      else acts.moveTo(rows.findLastIndex(({ level }, index) => index < at && level < row.level));
    },
    Enter: choose,
    ' ': choose,
  };
}

function bringIntoSight(element: HTMLElement | null, index: number): void {
  if (!element) return;
  const top = index * ROW_PX;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + ROW_PX > element.scrollTop + element.clientHeight) {
    element.scrollTop = top + ROW_PX - element.clientHeight;
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const domId = (id: string): string => `actor-${id}`;
