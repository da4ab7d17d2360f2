import { describe, expect, it } from 'vitest';
import type { AnyStateNode } from 'xstate';
import { type ChartTransition, graphOf, labelOf } from '../../console/charts/graph.ts';
import type { MachineDefinition, StateDefinition } from '../../protocol/inspect.ts';
import { graphOfMachine, machines } from './charts-support.ts';

const state = (given: Partial<StateDefinition> = {}): StateDefinition => ({
  type: 'atomic',
  entry: [],
  exit: [],
  on: [],
  ...given,
});
const way = (event: string, targets: string[] = [], given: object = {}) => ({ event, targets, actions: [], ...given });
const machine = (
  states: Record<string, StateDefinition>,
  given: Partial<MachineDefinition> = {},
): MachineDefinition => ({
  id: 'm',
  initial: Object.keys(states)[0] ?? '',
  entry: [],
  exit: [],
  on: [],
  states,
  ...given,
});

const statesIn = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states as Record<string, AnyStateNode>).flatMap((child) => [child, ...statesIn(child)]);

describe('graphOf', () => {
  it.each(machines.map((one) => [one.id, one] as const))(
    '%s › has every state and every transition of the machine',
    (_, one) => {
      const graph = graphOfMachine(one);
      const states = statesIn(one.root);
      expect(graph.states.map(({ path }) => path)).toEqual(states.map(({ path }) => path.join('.')));
      const expected = states.flatMap((node) =>
        [...(node.always ?? []), ...[...node.transitions.values()].flat()].flatMap((transition) =>
          ((transition.target ?? [undefined]) as (AnyStateNode | undefined)[]).map(
            (target) => `${node.path.join('.')} → ${target?.path.join('.') ?? 'stays'}`,
          ),
        ),
      );
      const drawn = [
        ...graph.edges.flatMap(({ source, target, transitions }) => transitions.map(() => `${source} → ${target}`)),
        ...graph.states.flatMap(({ path, stays }) => stays.map(() => `${path} → stays`)),
      ];
      expect(drawn.sort()).toEqual(expected.sort());
      expect(expected.length).toBeGreaterThan(5);
    },
  );

  it('makes one edge of all transitions between two states, and keeps their order', () => {
    const graph = graphOf(
      machine({ a: state({ on: [way('x', ['b']), way('y', ['c']), way('z', ['b'])] }), b: state(), c: state() }),
    );
    expect(graph.edges.map(({ id, transitions }) => [id, transitions.map(({ event }) => event)])).toEqual([
      ['a→b', ['x', 'z']],
      ['a→c', ['y']],
    ]);
  });

  it('keeps what leads nowhere, or back to the same state, in the state', () => {
    const graph = graphOf(machine({ a: state({ on: [way('x'), way('again', ['a'], { reenter: true })] }) }));
    expect(graph.edges).toEqual([]);
    expect(graph.states[0]?.stays.map(({ event }) => event)).toEqual(['x', 'again']);
  });

  it('names nested states by their path, outer ones first, and knows where each begins', () => {
    const inner = state({ type: 'compound', initial: 'deep', states: { deep: state(), other: state() } });
    const both = state({ type: 'parallel', states: { left: inner, right: state() } });
    const graph = graphOf(machine({ off: state(), on: both }));
    expect(graph.states.map(({ path, parent, isInitial }) => [path, parent, isInitial])).toEqual([
      ['off', '', true],
      ['on', '', false],
      ['on.left', 'on', true],
      ['on.left.deep', 'on.left', true],
      ['on.left.other', 'on.left', false],
      ['on.right', 'on', true],
    ]);
  });

  it('tells what is heard in every state', () => {
    const graph = graphOf(machine({ a: state() }, { on: [way('reset', ['a'])] }));
    expect(graph.everywhere.map(({ event, targets }) => [event, targets])).toEqual([['reset', ['a']]]);
  });
});

describe('labelOf', () => {
  const labels = (...on: StateDefinition['on']) => {
    const [first] = graphOf(machine({ a: state({ on }), b: state() })).states;
    const { edges } = graphOf(machine({ a: state({ on }), b: state() }));
    const all: ChartTransition[] = [...(first?.stays ?? []), ...edges.flatMap(({ transitions }) => transitions)];
    return all.map(labelOf);
  };

  it('says the event, its guard, and which one is taken otherwise', () => {
    expect(labels(way('x', [], { guard: 'isReady' }), way('x'))).toEqual(['x [isReady]', 'x [else]']);
  });

  it('says delays, and that no event is needed', () => {
    expect(
      labels(way('after:ackTimeout', ['b'], { delay: 'ackTimeout' }), way('', ['b'], { guard: 'isOver' })),
    ).toEqual(['after ackTimeout', 'always [isOver]']);
  });
});
