import { describe, expect, it } from 'vitest';
import { machineDefinitions } from '../../actors/shown/definition.ts';
import { ActorsModel } from '../../console/charts/model.ts';
import { kindsOf, rowsOf, titleOf } from '../../console/charts/tree-rows.ts';
import { actor, machines, snapshot, turn } from './charts-support.ts';

const model = new ActorsModel();
model.renew(
  snapshot([
    actor('root', { state: ['accepting'] }),
    actor('c1', { label: 'unauthenticated', context: { role: 'agent', agent_id: 'echo' } }),
    actor('c2', { label: 'client', context: { role: 'client', agent_id: null } }),
    turn('t1', { label: 'echo', state: ['parked'] }),
    turn('t2', { label: 'other' }),
    actor('cb', { machine: 'callback', parent: 't1', name: 'cb-7', label: 'add', state: ['pending'] }),
  ]),
  0,
);
const all = { text: '', kind: '' };
const lines = (filter = all, closed: string[] = []) =>
  rowsOf(model, filter, new Set(closed)).map(({ level, actor: one, group }) => `${level} ${one?.id ?? group?.kind}`);

describe('the tree of actors', () => {
  it('has the broker, each kind below it, and callbacks below their turns', () => {
    expect(lines()).toEqual(['1 root', '2 turn', '3 t2', '3 t1', '4 cb', '2 connection', '3 c2', '3 c1']);
  });

  it('leaves out what is closed', () => {
    expect(lines(all, ['root/turn', 't1'])).toEqual(['1 root', '2 turn', '2 connection', '3 c2', '3 c1']);
    expect(lines(all, ['root'])).toEqual(['1 root']);
  });

  it('narrows down to one kind, keeping what that stands below', () => {
    expect(lines({ text: '', kind: 'callback' })).toEqual(['1 root', '2 turn', '3 t1', '4 cb']);
  });

  it.each([
    ['a state', 'parked', ['3 t1']],
    ['an id', 'cb-7', ['3 t1', '4 cb']],
    ['an agent', 'ECHO parked', ['3 t1']],
    ['a role', 'client', ['3 c2']],
    ['a session', 'session-t2', ['3 t2']],
  ])('searches for %s', (_, text, found) => {
    expect(lines({ text, kind: '' }).filter((line) => line[0] !== '1' && line[0] !== '2')).toEqual(found);
  });

  it('has the root alone where nothing matches', () => {
    expect(lines({ text: 'nothing like this', kind: '' })).toEqual(['1 root']);
  });

  it('tells assistive technology where each row stands', () => {
    const row = rowsOf(model, all, new Set()).find(({ id }) => id === 't1');
    expect(row).toMatchObject({ level: 3, position: 2, siblings: 2, isOpen: true });
  });

  it('calls a connection by what it turned out to be', () => {
    expect(titleOf(model.find('c1') ?? expect.unreachable())).toBe('echo');
    expect(titleOf(model.find('c2') ?? expect.unreachable())).toBe('client');
  });

  it('can be narrowed down to each kind that the broker has told of, in an order that stays', () => {
    const told = machineDefinitions(machines.map((machine) => ({ machine, facts: () => expect.unreachable() })));
    const known = new ActorsModel();
    expect(kindsOf(known)).toEqual(['turn', 'approval', 'callback', 'connection']);
    const timer = { ...told.turn, id: 'timer' } as (typeof told)[string];
    const actors = [actor('root'), actor('c'), actor('at-noon', { machine: 'timer' })];
    known.renew({ ...snapshot(actors), machines: { timer, ...told } }, 0);
    const others = Object.keys(told).filter(
      (kind) => !['broker', 'turn', 'approval', 'callback', 'connection'].includes(kind),
    );
    expect(kindsOf(known)).toEqual(['turn', 'approval', 'callback', 'connection', 'timer', ...others]);
    const rows = rowsOf(known, { text: '', kind: 'timer' }, new Set());
    expect(rows.map(({ actor: one, group }) => one?.id ?? group?.kind)).toEqual(['root', 'timer', 'at-noon']);
  });
});
