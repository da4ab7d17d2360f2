import { describe, expect, it } from 'vitest';
import { MESSAGES_KEPT_IN_ALL } from '../../console/charts/message-logs.ts';
import {
  ActorsModel,
  ENDED_KEPT,
  ENDED_STAYS_MS,
  EVENTS_KEPT,
  EVENTS_KEPT_IN_ALL,
} from '../../console/charts/model.ts';
import { actor, heard, recorder, snapshot, turn } from './charts-support.ts';

const started = (id: string, given: Parameters<typeof actor>[1] = {}) => ({
  type: 'started' as const,
  actor: actor(id, given),
});
const ended = (id: string) => ({ type: 'ended' as const, actor: id, status: 'done' as const, state: ['closed'] });

const watching = () => {
  const model = new ActorsModel();
  model.renew(snapshot([actor('root'), actor('c1')], 10), 0);
  return { model, record: recorder(10) };
};

describe('ActorsModel', () => {
  it('knows the actors of the snapshot, each below the one that started it', () => {
    const model = new ActorsModel();
    model.renew(snapshot([actor('cb', { parent: 't' }), actor('t', { machine: 'turn' }), actor('root')]), 0);
    expect([...(model.find('root')?.children ?? [])]).toEqual(['t']);
    expect([...(model.find('t')?.children ?? [])]).toEqual(['cb']);
  });

  it('follows what starts, changes and ends', () => {
    const { model, record } = watching();
    const transition = {
      type: 'transition' as const,
      actor: 'c2',
      event: 'auth.granted',
      previous: ['authenticating'],
    };
    const changed = { ...transition, state: ['ready'], status: 'active' as const, context: { role: 'agent' } };
    model.apply(record(started('c2', { state: ['authenticating'] }), changed), 5);
    expect(model.find('c2')).toMatchObject({ state: ['ready'], context: { role: 'agent' }, endedAt: undefined });
    model.apply(record(ended('c2')), 7);
    expect(model.find('c2')).toMatchObject({ state: ['closed'], status: 'done', endedAt: 7 });
  });

  it('takes a new context that came without a step for no step', () => {
    const { model, record } = watching();
    const still = { state: ['ready'], previous: ['ready'], status: 'active' as const, context: { seq: 5 } };
    model.apply(record({ type: 'transition', actor: 'c1', event: '', ...still, label: 'now known' }), 0);
    expect(model.find('c1')).toMatchObject({ context: { seq: 5 }, label: 'now known', transitions: [] });
  });

  it('passes over records that the snapshot holds already', () => {
    const { model } = watching();
    expect(model.apply(recorder(7)(heard('c1', 'a'), heard('c1', 'b'), heard('c1', 'c'), heard('c1', 'd')), 0)).toBe(
      'ok',
    );
    expect(model.find('c1')?.events.map(({ event }) => event)).toEqual(['d']);
  });

  it('asks for a new snapshot where records are missing, or were dropped', () => {
    const { model } = watching();
    expect(model.apply(recorder(10)(heard('c1', 'a')), 0)).toBe('ok');
    expect(model.apply(recorder(12)(heard('c1', 'b')), 0)).toBe('gap');
    expect(model.apply(recorder(13)({ type: 'dropped', count: 40 }), 0)).toBe('gap');
    expect(model.dropped).toBe(40);
  });

  it('keeps what it has seen over a new snapshot, and ends whoever is not in it', () => {
    const { model, record } = watching();
    model.apply(record(started('c2'), heard('c1', 'a')), 0);
    model.renew(snapshot([actor('root'), actor('c1')], 50), 3);
    expect(model.find('c1')?.events).toHaveLength(1);
    expect(model.find('c2')?.endedAt).toBe(3);
  });

  it('tells of an actor by the same object after a new snapshot as before', () => {
    const { model } = watching();
    const before = model.find('c1');
    model.renew(snapshot([actor('root'), actor('c1', { state: ['closing'] })], 50), 3);
    expect(model.find('c1')).toBe(before);
    expect(before?.state).toEqual(['closing']);
  });

  it('keeps a chart the same object until it is another chart', () => {
    const model = new ActorsModel();
    const machine = (initial: string) => ({ id: 'turn', initial, entry: [], exit: [], on: [], states: {} });
    const renew = (initial: string) => {
      model.renew({ ...snapshot([actor('root')]), machines: { turn: machine(initial) } }, 0);
      return model.machines.turn;
    };
    const first = renew('a');
    expect(renew('a')).toBe(first);
    expect(renew('b')).toEqual(machine('b'));
  });

  it('forgets everything when the snapshot is of another daemon', () => {
    const { model } = watching();
    model.renew(snapshot([actor('root', { started_at: 99_000 })]), 0);
    expect([...model.actors.keys()]).toEqual(['root']);
  });

  it('lets an actor that has ended stay for a minute', () => {
    const { model, record } = watching();
    model.apply(record(ended('c1')), 1_000);
    expect(model.expire(1_000 + ENDED_STAYS_MS - 1)).toBe(false);
    expect(model.find('c1')).toBeDefined();
    expect(model.expire(1_000 + ENDED_STAYS_MS)).toBe(true);
    expect(model.find('c1')).toBeUndefined();
    expect(model.find('root')?.children.size).toBe(0);
  });

  it('lets one that somebody looks at stay, with those below it and above it, until they look away', () => {
    const { model, record } = watching();
    const started = (given: ReturnType<typeof actor>) => ({ type: 'started' as const, actor: given });
    model.apply(record(started(turn('t1')), started(actor('cb', { machine: 'callback', parent: 't1' }))), 0);
    model.apply(record(started(turn('t2')), ended('cb'), ended('t1'), ended('t2')), 0);
    model.chosen = 't1';
    expect(model.expire(10 * ENDED_STAYS_MS)).toBe(true);
    expect(['t1', 'cb', 't2'].map((id) => model.find(id)?.id)).toEqual(['t1', 'cb', undefined]);
    model.chosen = 'cb';
    model.expire(20 * ENDED_STAYS_MS);
    expect(['t1', 'cb'].map((id) => model.find(id)?.id)).toEqual(['t1', 'cb']);
    model.chosen = undefined;
    model.expire(20 * ENDED_STAYS_MS);
    expect([...model.actors.keys()]).not.toEqual(expect.arrayContaining(['t1']));
    expect(model.find('cb')).toBeUndefined();
  });

  it('keeps the last events of an actor only', () => {
    const { model, record } = watching();
    for (let n = 0; n < EVENTS_KEPT + 30; n += 1) model.apply(record(heard('c1', `e${n}`)), 0);
    const events = model.find('c1')?.events ?? [];
    expect(events).toHaveLength(EVENTS_KEPT);
    expect(events.at(-1)?.event).toBe(`e${EVENTS_KEPT + 29}`);
  });

  it('with thousands of actors › keeps fewer of each, and never more than so many in all', () => {
    const model = new ActorsModel();
    const ids = Array.from({ length: 3_000 }, (_, index) => `c${index}`);
    model.renew(snapshot([actor('root'), ...ids.map((id) => actor(id))]), 0);
    model.chosen = 'c7';
    const record = recorder();
    for (let n = 0; n < 40; n += 1) model.apply(record(...ids.map((id) => heard(id, `e${n}`))), 0);
    const kept = [...model.actors.values()].reduce((sum, { events }) => sum + events.length, 0);
    expect(kept).toBeLessThanOrEqual(EVENTS_KEPT_IN_ALL);
    expect(model.kept.events).toBe(kept);
    expect(model.find('c0')?.events.at(-1)?.event).toBe('e39');
    // Of the one that somebody looks at, nothing goes.
    expect(model.find('c7')?.events).toHaveLength(40);
  });

  it('however many turns come and go › what is kept stays bounded, and the one that is looked at stays', () => {
    const model = new ActorsModel();
    model.renew(snapshot([actor('root'), actor('h'), actor('a')]), 0);
    const record = recorder();
    const live = (id: string) => {
      const said = Array.from({ length: 16 }, (_, n) => heard(id, 'chat.event', 'root', { kind: 'tool_call', n }));
      const change = { actor: id, event: 'x', state: ['done'], previous: ['streaming'], context: {} };
      model.apply(record({ type: 'started', actor: turn(id) }, ...said), 0);
      model.apply(record({ type: 'transition', ...change, status: 'done' }, ended(id)), 0);
    };
    for (let n = 0; n < 6_000; n += 1) {
      live(`t${n}`);
      if (n === 0) model.chosen = 't0';
    }
    expect(model.actors.size).toBeLessThanOrEqual(3 + ENDED_KEPT);
    expect(model.find('t5999')?.events.length).toBeGreaterThan(0);
    const actors = [...model.actors.values()];
    expect(actors.reduce((sum, one) => sum + one.events.length + one.transitions.length, 0)).toBe(model.kept.events);
    expect(actors.reduce((sum, { id }) => sum + (model.logs.of(id)?.messages.length ?? 0), 0)).toBe(
      model.kept.messages,
    );
    expect(model.kept.events).toBeLessThanOrEqual(EVENTS_KEPT_IN_ALL);
    expect(model.kept.messages).toBeLessThanOrEqual(MESSAGES_KEPT_IN_ALL);
    expect(model.find('t0')?.events).toHaveLength(16);
    // A minute later all of it is gone, once nobody looks.
    model.chosen = undefined;
    model.expire(ENDED_STAYS_MS);
    expect(model.kept).toEqual({ events: 0, messages: 0 });
  });

  it('finds an actor by its id, and the newest by its name', () => {
    const model = new ActorsModel();
    model.renew(snapshot([actor('root'), actor('x:1', { name: 'cb-1' }), actor('x:2', { name: 'cb-1' })]), 0);
    expect(model.find('x:1')?.id).toBe('x:1');
    expect(model.find('cb-1')?.id).toBe('x:2');
    expect(model.find('nobody')).toBeUndefined();
  });
});
