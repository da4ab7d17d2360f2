import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { MachineDefinition, StateDefinition, TransitionDefinition } from '../../protocol/inspect.ts';
import type { Chart } from '../requests/family.ts';
import { eventName } from './payload.ts';

/** Every chart that runs, by its machine's id. */
export function machineDefinitions(charts: readonly Chart[]): Record<string, MachineDefinition> {
  return Object.fromEntries(charts.map(({ machine }) => [machine.id, definitionOf(machine)]));
}

/** A machine as it can be drawn, read from the machine itself. */
export function definitionOf({ root, id }: AnyStateMachine): MachineDefinition {
  return {
    id,
    ...described(root),
    initial: initialOf(root) ?? '',
    entry: namesOf(root.config.entry),
    exit: namesOf(root.config.exit),
    on: waysOut(root),
    states: statesOf(root),
  };
}

function statesOf(node: AnyStateNode): Record<string, StateDefinition> {
  return Object.fromEntries(Object.entries(node.states).map(([name, child]) => [name, stateOf(child as AnyStateNode)]));
}

function stateOf(node: AnyStateNode): StateDefinition {
  const initial = initialOf(node);
  return {
    type: node.type,
    ...described(node),
    ...(initial === undefined ? {} : { initial }),
    // As written: what XState adds to them for its own delays is no action of the chart's.
    entry: namesOf(node.config.entry),
    exit: namesOf(node.config.exit),
    on: waysOut(node),
    ...(Object.keys(node.states).length === 0 ? {} : { states: statesOf(node) }),
    ...(node.tags.length === 0 ? {} : { tags: [...node.tags] }),
  };
}

function described({ description }: AnyStateNode): { description?: string } {
  return description === undefined ? {} : { description };
}

function initialOf(node: AnyStateNode): string | undefined {
  return node.type === 'compound' ? node.initial.target[0]?.key : undefined;
}

function waysOut(node: AnyStateNode): TransitionDefinition[] {
  return [
    ...(node.always ?? []).map((way) => wayOf(way, '')),
    ...[...node.transitions].flatMap(([type, ways]) => ways.map((way) => wayOf(way, eventName(type)))),
  ];
}

function wayOf(way: AnyTransitionDefinition, event: string): TransitionDefinition {
  const targets = (way.target ?? []) as readonly AnyStateNode[];
  return {
    event,
    ...(way.guard === undefined ? {} : { guard: nameOf(way.guard) }),
    ...(event.startsWith('after:') ? { delay: event.slice('after:'.length) } : {}),
    targets: targets.map(({ path }) => path.join('.')),
    actions: namesOf(way.actions),
    ...(way.description === undefined ? {} : { description: way.description }),
    ...(way.reenter ? { reenter: true } : {}),
  };
}

function namesOf(actions: unknown): string[] {
  if (actions === undefined) return [];
  return (Array.isArray(actions) ? actions : [actions]).map(nameOf);
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { type, name } = value as { type?: unknown; name?: unknown };
  return ([type, name].find((text) => typeof text === 'string' && text !== '') as string | undefined) ?? 'inline';
}
