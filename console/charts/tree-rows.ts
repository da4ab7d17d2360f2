import { visibleLine } from '../../protocol/visible.ts';
import { type ActorsModel, namesOf, type WatchedActor } from './model.ts';

/** The kinds that people look for first. */
const FIRST = ['turn', 'approval', 'callback', 'connection'];

/** The kinds of actors, as they are told apart in the tree: every machine that the broker has told of, but its own. */
export function kindsOf(model: ActorsModel): string[] {
  return [...new Set([...FIRST, ...Object.keys(model.machines)])].filter((kind) => kind !== 'broker');
}

/** What the tree is narrowed down to. */
export interface TreeFilter {
  /** Of id, name, label, agent, session or state. */
  readonly text: string;
  /** A machine's id; empty for all. */
  readonly kind: string;
}

/** One line of the tree. */
export interface TreeRow {
  /** An actor's id; for a group, the parent's id and the kind. */
  readonly id: string;
  /** From 1. */
  readonly level: number;
  readonly isOpen: boolean | undefined;
  readonly position: number;
  readonly siblings: number;
  /** Absent on a line that gathers actors of one kind. */
  readonly actor?: WatchedActor;
  readonly group?: { readonly kind: string; readonly count: number };
}

/** The actor's name for people, in a few words. */
export function titleOf({ machine, context, label, name, broker }: WatchedActor): string {
  if (machine === 'broker') return broker === undefined ? 'broker' : `broker ${visibleLine(broker)}`;
  // What a connection is turns out after it has started.
  const known = machine === 'connection' ? (textOf(context.agent_id) ?? textOf(context.role)) : undefined;
  return visibleLine(known ?? label ?? name);
}

/** The end of an id, where ids of one kind differ. */
export function shortName({ name }: { name: string }): string {
  return name.length > 14 ? `…${name.slice(-6)}` : name;
}

/** The lines that are to be seen: the root, below it a line for each kind, below those the actors, the newest first. */
export function rowsOf(model: ActorsModel, filter: TreeFilter, closed: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [];
  const matches = matcher(filter);
  const roots = [...model.actors.values()]
    .filter(({ parent }) => parent === null || !model.actors.has(parent))
    .sort((one, other) => rankOf(model, one).localeCompare(rankOf(model, other)));
  const visit = (actor: WatchedActor, level: number, position: number, siblings: number) => {
    const groups = groupsOf(model, actor, matches);
    const isOpen = groups.length === 0 ? undefined : !closed.has(actor.id);
    rows.push({ id: actor.id, level, isOpen, position, siblings, actor });
    if (!isOpen) return;
    // One kind below a turn needs no line of its own.
    if (level > 1) {
      const children = groups.flatMap(([, actors]) => actors);
      for (const [index, child] of children.entries()) visit(child, level + 1, index + 1, children.length);
      return;
    }
    groups.forEach(([kind, actors], index) => {
      const id = `${actor.id}/${kind}`;
      const isGroupOpen = !closed.has(id);
      const group = { kind, count: actors.length };
      rows.push({ id, level: level + 1, isOpen: isGroupOpen, position: index + 1, siblings: groups.length, group });
      if (!isGroupOpen) return;
      for (const [at, child] of actors.entries()) visit(child, level + 2, at + 1, actors.length);
    });
  };
  for (const [index, root] of roots.entries()) visit(root, 1, index + 1, roots.length);
  return rows;
}

/** The page's own broker stands first, then the others by their names. */
const rankOf = (model: ActorsModel, { broker }: WatchedActor): string =>
  broker === undefined || broker === model.broker ? '' : broker;

type Matches = (actor: WatchedActor) => boolean;

/** The children that match, or have children that do, by kind. */
function groupsOf(model: ActorsModel, actor: WatchedActor, matches: Matches): [kind: string, actors: WatchedActor[]][] {
  const groups = new Map<string, WatchedActor[]>(kindsOf(model).map((kind) => [kind, []]));
  for (const id of actor.children) {
    const child = model.actors.get(id);
    if (!child || !(matches(child) || hasMatch(model, child, matches))) continue;
    const group = groups.get(child.machine);
    if (group) group.push(child);
    else groups.set(child.machine, [child]);
  }
  return [...groups].filter(([, actors]) => actors.length > 0).map(([kind, actors]) => [kind, actors.reverse()]);
}

function hasMatch(model: ActorsModel, actor: WatchedActor, matches: Matches): boolean {
  for (const id of actor.children) {
    const child = model.actors.get(id);
    if (child && (matches(child) || hasMatch(model, child, matches))) return true;
  }
  return false;
}

function matcher({ text, kind }: TreeFilter): Matches {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return (actor) => {
    if (kind !== '' && actor.machine !== kind) return false;
    if (words.length === 0) return true;
    const { context } = actor;
    const about = [
      actor.id,
      actor.name,
      titleOf(actor),
      ...namesOf(actor.state),
      context.agent_id,
      context.session_id,
      context.role,
    ];
    const searched = about
      .filter((part) => typeof part === 'string')
      .join(' ')
      .toLowerCase();
    return words.every((word) => searched.includes(word));
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
