import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { charts } from '../../actors/families.ts';
import { definitionOf, machineDefinitions } from '../../actors/shown/definition.ts';
import { toConfig } from '../../console/stately/definition.ts';
import { toStateValue } from '../../console/stately/state-value.ts';
import { FORMAT_VERSION, StatelyEvents } from '../../console/stately/stately-events.ts';
import type { InspectedActor, InspectRecord } from '../../protocol/inspect.ts';

const actor = (id: string, parent: string | null, more: Partial<InspectedActor> = {}): InspectedActor => ({
  id,
  name: `name of ${id}`,
  machine: 'turn',
  parent,
  state: ['streaming'],
  status: 'active',
  started_at: 1_000,
  context: { seq: 1 },
  ...more,
});
const events = (...actors: InspectedActor[]) =>
  new StatelyEvents({ subscribed: true, sequence: 10, machines: machineDefinitions(charts), actors });
const at = 5_000;
const heard = (sequence: number, more: object = {}): InspectRecord => ({
  sequence,
  at,
  type: 'event',
  actor: 'x:1',
  event: 'turn.cancel',
  from: 'x:0',
  payload: { reason: 'host_cancelled' },
  ...more,
});

describe('a chart for Stately', () => {
  it.each(Object.entries(machineDefinitions(charts)))('%s › is a machine of the same chart', (_id, definition) => {
    // Through JSON, as it goes to the frame.
    const machine = createMachine(JSON.parse(JSON.stringify(toConfig(definition))));
    expect(definitionOf(machine)).toEqual(definition);
  });

  it('keeps regions, delays, transitions without an event, and history', () => {
    const definition = definitionOf(
      createMachine({
        id: 'm',
        initial: 'a',
        states: {
          a: {
            type: 'parallel',
            after: { soon: 'b' },
            states: { p: { initial: 'x', states: { x: { on: { GO: ['y', { target: '#m.b' }] } }, y: {} } }, q: {} },
          },
          b: { always: { target: 'c', guard: 'isOver' }, tags: ['late'], description: 'the end is near' },
          c: { type: 'final' },
          h: { type: 'history' },
        },
      }),
    );
    const machine = createMachine(JSON.parse(JSON.stringify(toConfig(definition))));
    expect(definitionOf(machine)).toEqual(definition);
  });
});

describe('a state for Stately', () => {
  it.each([
    [['streaming'], 'streaming'],
    [['a.b'], { a: 'b' }],
    [['a', 'a.b'], { a: 'b' }],
    [['a.p.x', 'a.q.y'], { a: { p: 'x', q: 'y' } }],
    [['a.p.x', 'a.q'], { a: { p: 'x', q: {} } }],
  ])('%j is %j', (paths, value) => {
    expect(toStateValue(paths)).toEqual(value);
  });
});

describe('the feed for Stately', () => {
  it('names the version of the package whose format it is', () => {
    const { version } = JSON.parse(readFileSync('node_modules/@statelyai/inspect/package.json', 'utf8'));
    expect(FORMAT_VERSION).toBe(version);
  });

  it('tells every live actor with its definition, parents first', () => {
    const callback = actor('x:3', 'x:2', { machine: 'callback', state: ['pending'] });
    const told = events(callback, actor('x:2', 'x:1'), actor('x:1', null, { machine: 'broker' })).actors();
    expect(told.map(({ sessionId }) => sessionId)).toEqual(['x:1', 'x:2', 'x:3']);
    expect(told[2]).toMatchObject({
      type: '@xstate.actor',
      name: 'name of x:3',
      rootId: 'x:1',
      parentId: 'x:2',
      createdAt: '1000',
      _version: FORMAT_VERSION,
      snapshot: { status: 'active', value: 'pending', context: { seq: 1 } },
    });
    for (const one of told) expect(JSON.parse((one as { definition: string }).definition)).toHaveProperty('states');
  });

  it('tells what an actor hears, and from whom', () => {
    const feed = events(actor('x:0', null), actor('x:1', 'x:0'));
    expect(feed.take([heard(11), heard(12, { event: 'token', payload: 'x', count: 60, from: null })])).toMatchObject([
      {
        type: '@xstate.event',
        sessionId: 'x:1',
        sourceId: 'x:0',
        rootId: 'x:0',
        event: { type: 'turn.cancel', reason: 'host_cancelled' },
      },
      { type: '@xstate.event', sourceId: undefined, event: { type: 'token', payload: 'x', count: 60 } },
    ]);
  });

  it('does not let a payload pass for another event', () => {
    const told = events(actor('x:1', null)).take([heard(11, { payload: { type: 'other' } })]);
    expect(told).toMatchObject([{ event: { type: 'turn.cancel' } }]);
  });

  it('tells how an actor changes, and who comes late hears how it stands then', () => {
    const feed = events(actor('x:1', null));
    const change = { type: 'transition' as const, actor: 'x:1', event: 'turn.ended', previous: ['streaming'] };
    const told = feed.take([
      { ...change, sequence: 11, at, state: ['done'], status: 'done', context: { seq: 2 } },
      { sequence: 12, at, type: 'started', actor: actor('x:2', 'x:1') },
    ]);
    expect(told).toMatchObject([
      {
        type: '@xstate.snapshot',
        event: { type: 'turn.ended' },
        snapshot: { status: 'done', value: 'done', context: { seq: 2 } },
      },
      { type: '@xstate.actor', sessionId: 'x:2', rootId: 'x:1' },
    ]);
    expect(feed.actors()).toMatchObject([{ snapshot: { value: 'done', context: { seq: 2 } } }, { sessionId: 'x:2' }]);
  });

  it('when an actor ends › tells its output, and forgets it', () => {
    const feed = events(actor('x:1', null));
    const end: InspectRecord = {
      sequence: 11,
      at,
      type: 'ended',
      actor: 'x:1',
      status: 'done',
      state: ['done'],
      output: 42,
    };
    expect(feed.take([end])).toMatchObject([
      { type: '@xstate.snapshot', snapshot: { status: 'done', value: 'done', output: 42, context: { seq: 1 } } },
    ]);
    expect(feed.actors()).toEqual([]);
  });

  it('when actors are missing in a later snapshot › tells that they have ended, and of no other', () => {
    const feed = events(actor('x:0', null), actor('x:1', 'x:0'), actor('x:2', 'x:1'));
    const later = { subscribed: true as const, sequence: 40, machines: {}, actors: [actor('x:0', null)] };
    expect(feed.endsBefore(later, at)).toMatchObject([
      {
        type: '@xstate.snapshot',
        sessionId: 'x:1',
        rootId: 'x:0',
        createdAt: String(at),
        snapshot: { status: 'done', value: 'streaming' },
      },
      { sessionId: 'x:2', rootId: 'x:0', snapshot: { status: 'done' } },
    ]);
  });

  it('skips what its snapshot holds already', () => {
    expect(events(actor('x:1', null)).take([heard(9), heard(10), heard(11)])).toHaveLength(1);
  });

  it.each([
    ['the broker says that it dropped some', [{ sequence: 12, at, type: 'dropped' as const, count: 2 }]],
    ['a number is missing', [heard(12)]],
  ])('when %s › asks for a new snapshot', (_why, records) => {
    expect(events(actor('x:1', null)).take(records)).toBeUndefined();
  });
});
