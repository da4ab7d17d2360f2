import type { MachineDefinition, StateDefinition, TransitionDefinition } from '../../protocol/inspect.ts';

/** One transition, as XState writes it. */
export interface TransitionConfig {
  target?: string | string[];
  guard?: { type: string };
  actions?: { type: string }[];
  description?: string;
  reenter?: boolean;
}

/** One state, as XState writes it. */
export interface StateConfig {
  type?: 'parallel' | 'final' | 'history';
  initial?: string;
  description?: string;
  tags?: string[];
  entry?: { type: string }[];
  exit?: { type: string }[];
  states?: Record<string, StateConfig>;
  on?: Record<string, TransitionConfig[]>;
  after?: Record<string, TransitionConfig[]>;
  always?: TransitionConfig[];
}

/** A whole machine, as `createMachine` takes it. */
export interface MachineConfig extends StateConfig {
  id: string;
}

const AFTER = 'after:';

/** A chart of the feed as the configuration that XState makes the same chart of: what Stately's inspector draws. */
export function toConfig(machine: MachineDefinition): MachineConfig {
  // Every target by the machine's id: no matter from which state it is aimed at, it hits the same one.
  const idOf = (path: string) => (path === '' ? `#${machine.id}` : `#${machine.id}.${path}`);
  return { id: machine.id, ...stateOf({ type: 'compound', ...machine }, idOf) };
}

function stateOf(state: StateDefinition, idOf: (path: string) => string): StateConfig {
  const { type, initial, description, tags, entry, exit, states, on } = state;
  return {
    ...(type === 'atomic' || type === 'compound' ? {} : { type }),
    ...(initial === undefined ? {} : { initial }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags }),
    ...(entry.length === 0 ? {} : { entry: entry.map(named) }),
    ...(exit.length === 0 ? {} : { exit: exit.map(named) }),
    ...(states === undefined
      ? {}
      : { states: Object.fromEntries(Object.entries(states).map(([name, inner]) => [name, stateOf(inner, idOf)])) }),
    ...transitionsOf(on, idOf),
  };
}

function transitionsOf(on: TransitionDefinition[], idOf: (path: string) => string) {
  const groups: Required<Pick<StateConfig, 'on' | 'after' | 'always'>> = { on: {}, after: {}, always: [] };
  for (const transition of on) {
    const config = transitionOf(transition, idOf);
    const { event, delay } = transition;
    if (event === '') groups.always.push(config);
    else if (delay !== undefined || event.startsWith(AFTER))
      put(groups.after, delay ?? event.slice(AFTER.length), config);
    else put(groups.on, event, config);
  }
  return {
    ...(Object.keys(groups.on).length === 0 ? {} : { on: groups.on }),
    ...(Object.keys(groups.after).length === 0 ? {} : { after: groups.after }),
    ...(groups.always.length === 0 ? {} : { always: groups.always }),
  };
}

function put(group: Record<string, TransitionConfig[]>, key: string, config: TransitionConfig): void {
  group[key] = [...(group[key] ?? []), config];
}

function transitionOf(transition: TransitionDefinition, idOf: (path: string) => string): TransitionConfig {
  const { guard, targets, actions, description, reenter } = transition;
  const [first, ...more] = targets.map(idOf);
  return {
    ...(first === undefined ? {} : { target: more.length === 0 ? first : [first, ...more] }),
    ...(guard === undefined ? {} : { guard: named(guard) }),
    ...(actions.length === 0 ? {} : { actions: actions.map(named) }),
    ...(description === undefined ? {} : { description }),
    ...(reenter ? { reenter } : {}),
  };
}

const named = (type: string) => ({ type });
