import type { AnyStateMachine, AnyStateNode } from 'xstate';

/*
 * What a chart has done for it. Charts are pictures: they name their effects, and whoever runs one provides them, each of
 * them. A bare chart can be drawn and walked; there its effects do nothing.
 */

/** Stands for an effect that is named and not provided. */
const unprovided = (): void => {};

/** The effects of a chart, each named once. */
export function effects<const Name extends string>(...names: Name[]): Record<Name, () => void> {
  return Object.fromEntries(names.map((name) => [name, unprovided])) as Record<Name, () => void>;
}

/** The same of one that is told something by the chart. */
export function effectWith<Params>(): (args: unknown, params: Params) => void {
  return unprovided;
}

type Provided<M extends AnyStateMachine> = NonNullable<NonNullable<Parameters<M['provide']>[0]>['actions']>;

/** Every effect that a chart names, and how it is done. */
export type EffectsOf<M extends AnyStateMachine> = { [Name in keyof Provided<M>]-?: NonNullable<Provided<M>[Name]> };

/**
 * A chart with all its effects.
 * @throws {Error} at once, where it names an action, a guard or a delay that nobody provides: left for later it would be a
 *   silence in the middle of somebody's turn
 */
export function withEffects<M extends AnyStateMachine>(machine: M, actions: EffectsOf<M>): M {
  const running = machine.provide({ actions } as Parameters<M['provide']>[0]) as M;
  const missing = unprovidedIn(running);
  if (missing.length === 0) return running;
  throw new Error(`the chart of ${machine.id} names what nobody provides: ${missing.join(', ')}`);
}

/** What a chart names and nobody provides: `action x`, `guard y`, `delay z`. */
function unprovidedIn({ root, implementations }: AnyStateMachine): string[] {
  const { actions, guards, delays } = implementations as unknown as Record<string, Record<string, unknown> | undefined>;
  const missing = new Set<string>();
  const look = (kind: string, known: Record<string, unknown> | undefined, named: unknown) => {
    for (const one of [named].flat()) {
      const name = typeof one === 'string' ? one : (one as { type?: unknown } | undefined)?.type;
      if (typeof name !== 'string') continue;
      if (known?.[name] === undefined || known[name] === unprovided) missing.add(`${kind} ${name}`);
    }
  };
  const visit = ({ config, always = [], transitions, states }: AnyStateNode) => {
    look('action', actions, config.entry);
    look('action', actions, config.exit);
    for (const delay of Object.keys(config.after ?? {})) if (Number.isNaN(Number(delay))) look('delay', delays, delay);
    for (const way of [...always, ...[...transitions.values()].flat()]) {
      look('action', actions, way.actions);
      look('guard', guards, way.guard);
    }
    for (const inner of Object.values(states as Record<string, AnyStateNode>)) visit(inner);
  };
  visit(root);
  return [...missing];
}
