import { describe, expect, test } from 'vitest';
import { type AnyActorRef, type AnyStateMachine, createActor, setup } from 'xstate';
import { withFastPath } from '../../../actors/kernel/fast-path.ts';
import { checkXState } from '../../../actors/kernel/xstate-privates.ts';
import { effects, withEffects } from '../../../machines/effects.ts';

const lamp = () =>
  setup({
    types: {} as { context: { lit: string[] }; events: { type: 'flash' } | { type: 'press' } },
    actions: effects('shine', 'click', 'rest'),
  }).createMachine({
    id: 'lamp',
    context: () => ({ lit: [] }),
    initial: 'off',
    states: {
      off: { on: { press: { target: 'on', actions: 'click' } } },
      on: {
        initial: 'bright',
        exit: 'rest',
        states: { bright: {} },
        on: { flash: { actions: 'shine' }, press: 'off' },
      },
    },
  });

describe('the effects of a chart', () => {
  const shine = () => {};

  test('when all are provided › then it runs with them', () => {
    const did: string[] = [];
    const note = (name: string) => () => void did.push(name);
    const machine = withEffects(lamp(), { shine: note('shine'), click: note('click'), rest: note('rest') });
    const actor = createActor(machine).start();
    for (const type of ['press', 'flash', 'press'] as const) actor.send({ type });
    expect(did).toEqual(['click', 'shine', 'rest']);
  });

  test('when some are named and not provided › then it is an error that names each of them, before anything runs', () => {
    const partly = { shine } as unknown as Parameters<typeof withEffects<ReturnType<typeof lamp>>>[1];
    expect(() => withEffects(lamp(), partly)).toThrow(
      'the chart of lamp names what nobody provides: action click, action rest',
    );
  });

  test('when a guard or a delay is named and not there › then that is one too', () => {
    const machine = setup({ actions: effects('a') }).createMachine({
      id: 'm',
      initial: 'x',
      states: { x: { after: { late: { actions: 'a' } }, always: { guard: 'isUp', target: 'x' } as never } },
    } as never) as unknown as AnyStateMachine;
    expect(() => withEffects(machine, { a: () => {} })).toThrow('guard isUp');
    expect(() => withEffects(machine, { a: () => {} })).toThrow('delay late');
  });

  test('when a bare chart is walked › then its effects do nothing', () => {
    const actor = createActor(lamp()).start();
    actor.send({ type: 'press' });
    expect(actor.getSnapshot().value).toEqual({ on: 'bright' });
  });
});

describe('the fast path of a chart', () => {
  const decorated = (seen: string[]) =>
    withFastPath(lamp(), { flash: ['on'] }, { flash: ({ lit }) => void seen.push(`fast ${lit.length}`) });

  test('when it stands in a nested state › then a hot event makes no step, and elsewhere it goes by the chart', () => {
    const seen: string[] = [];
    const actor = createActor(decorated(seen)).start();
    actor.send({ type: 'flash' });
    expect(seen).toEqual([]);
    actor.send({ type: 'press' });
    const before = actor.getSnapshot();
    actor.send({ type: 'flash' });
    expect(seen).toEqual(['fast 0']);
    expect(actor.getSnapshot()).toBe(before);
  });

  test('when something is provided to it › then it is as fast as before', () => {
    const seen: string[] = [];
    const actor = createActor(decorated(seen).provide({ actions: { click: () => void seen.push('click') } })).start();
    for (const type of ['press', 'flash'] as const) actor.send({ type });
    expect(seen).toEqual(['click', 'fast 0']);
  });
});

describe('what is used of XState’s inside', () => {
  test('when it is all there › then nothing is said', () => {
    expect(() => checkXState(createActor(lamp()))).not.toThrow();
  });

  test.each([
    ['_relay', { system: { _sendInspectionEvent() {} }, _parent: undefined }],
    ['_relay', { system: { _relay(_one: unknown) {}, _sendInspectionEvent() {} }, _parent: undefined }],
    ['_sendInspectionEvent', { system: { _relay(_s: unknown, _t: unknown, _e: unknown) {} }, _parent: undefined }],
    ['_parent', { system: { _relay(_s: unknown, _t: unknown, _e: unknown) {}, _sendInspectionEvent() {} } }],
  ])('when %s is not › then the error names it, and the file', (name, root) => {
    expect(() => checkXState(root as unknown as AnyActorRef)).toThrow(
      new RegExp(`this XState has no ${name}.*xstate-privates`),
    );
  });
});
