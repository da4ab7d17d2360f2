import { describe, expect, it } from 'vitest';
import { FLASH_MS, Follower } from '../../console/charts/flashes.ts';
import { ActorsModel } from '../../console/charts/model.ts';
import { beginningOf, takenBy } from '../../console/charts/taken.ts';
import { approvalMachine } from '../../machines/approval.machine.ts';
import { turnMachine } from '../../machines/turn.machine.ts';
import { actor, graphOfMachine, heard, recorder, snapshot, turn } from './charts-support.ts';

const graph = graphOfMachine(turnMachine);
/** Where the turn stands while its host is there; any other state as it is. */
const at = (name: string) =>
  ['accepted', 'streaming', 'parked'].includes(name) ? ['live.host.here', `live.work.${name}`] : [name];
const step = (event: string, previous: string, state: string) => ({ event, previous: at(previous), state: at(state) });
const STREAMING_TO_PARKED = 'live.work.streaming→live.work.parked';
const ACCEPTANCE = ['dispatching→live', 'live.work.accepted→live.work.streaming'];
const throughAccepted = { through: [at('accepted')] };
const moved = (id: string, event: string, previous: string, state: string) => ({
  type: 'transition' as const,
  actor: id,
  ...step(event, previous, state),
  context: {},
  status: 'active' as const,
});

describe('takenBy', () => {
  it('finds the edge that an event took', () => {
    expect(takenBy(graph, step('approval.pending', 'streaming', 'parked')).edges).toEqual([STREAMING_TO_PARKED]);
  });

  it('finds the way into regions, and what moves in one of them', () => {
    const accepted = { ...step('call.answered', 'dispatching', 'streaming'), ...throughAccepted };
    expect(takenBy(graph, accepted).edges).toEqual(ACCEPTANCE);
    const left = ['live.host.away', 'live.work.streaming'];
    const leaves = { event: 'host.gone', previous: at('streaming'), state: left };
    expect(takenBy(graph, leaves).edges).toEqual(['live.host.here→live.host.away']);
    const ends = { event: 'turn.drain', previous: left, state: ['failed'] };
    expect(takenBy(graph, ends).edges).toEqual(['live→failed']);
  });

  it('goes by what the feed tells of in between', () => {
    const approval = graphOfMachine(approvalMachine);
    const round = { ...step('approve.expired', 'taken', 'pending'), through: [['returned']] };
    expect(takenBy(approval, round).edges).toEqual(['taken→returned', 'returned→pending']);
  });

  it('prefers the edge of that event to a shorter one of another', () => {
    const approval = graphOfMachine(approvalMachine);
    expect(takenBy(approval, step('approve.expired', 'taken', 'pending')).edges).toEqual([
      'taken→returned',
      'returned→pending',
    ]);
  });

  it('finds the line in the box where the state stayed', () => {
    const { edges, stays } = takenBy(graph, step('tool.requested', 'streaming', 'streaming'));
    expect(edges).toEqual([]);
    expect(stays).toHaveLength(1);
  });

  it('finds no line of an outer state for what an inner one hears in any case', () => {
    const asked = (work: string) => {
      const state = ['live.host.here', `live.work.${work}`];
      const { stays } = takenBy(graph, { event: 'tool.requested', previous: state, state });
      return stays.map((id) => id.slice(0, id.indexOf('#')));
    };
    expect(asked('streaming')).toEqual(['live']);
    expect(asked('cancelling')).toEqual(['live.work.cancelling']);
  });

  it('finds nothing where the chart knows no such way', () => {
    expect(takenBy(graph, step('unheard', 'streaming', 'dispatching'))).toEqual({ edges: [], stays: [] });
  });
});

describe('beginningOf', () => {
  it('is the way to the first state where there is one only, and is not made up where there are several', () => {
    expect(beginningOf(graph, ['dispatching'])).toEqual(['begun→dispatching']);
    expect(beginningOf(graph, ['begun'])).toEqual([]);
    expect(beginningOf(graph, at('parked'))).toBeUndefined();
  });
});

describe('Follower', () => {
  const follow = () => {
    const model = new ActorsModel();
    model.renew(snapshot([actor('root'), turn('t1')]), 0);
    const record = recorder();
    const watched = model.find('t1') ?? expect.unreachable();
    const apply = (...records: Parameters<typeof record>) => model.apply(record(...records), 0);
    return { watched, apply };
  };

  it('draws the way an actor came, and flashes only what is new', () => {
    const { watched, apply } = follow();
    apply({ ...moved('t1', 'call.answered', 'dispatching', 'streaming'), ...throughAccepted });
    const follower = new Follower(graph, watched);
    expect([...follower.trail.keys()]).toEqual(['begun→dispatching', ...ACCEPTANCE]);
    expect(follower.flashes).toEqual([]);
    apply(moved('t1', 'approval.pending', 'streaming', 'parked'));
    expect(follower.update(0)).toBe(true);
    expect(follower.flashes.map(({ id }) => id)).toEqual([STREAMING_TO_PARKED]);
    expect(follower.update(FLASH_MS + 1)).toBe(true);
    expect(follower.flashes).toEqual([]);
    expect(follower.trail.has(STREAMING_TO_PARKED)).toBe(true);
  });

  it('counts how often an edge was taken', () => {
    const { watched, apply } = follow();
    const follower = new Follower(graph, watched);
    apply(
      moved('t1', 'approval.pending', 'streaming', 'parked'),
      moved('t1', 'approval.resolved', 'parked', 'streaming'),
    );
    apply(moved('t1', 'approval.pending', 'streaming', 'parked'));
    follower.update(0);
    expect(follower.trail.get(STREAMING_TO_PARKED)).toBe(2);
  });

  it('keeps few flashes, however much happens', () => {
    const { watched, apply } = follow();
    apply(moved('t1', 'call.answered', 'dispatching', 'streaming'));
    const follower = new Follower(graph, watched);
    for (let now = 0; now < 300; now += 1) {
      apply(heard('t1', 'chat.event'), heard('t1', 'child.done'), heard('t1', 'tool.requested'));
      follower.update(now);
    }
    expect(follower.flashes).toHaveLength(3);
  });
});
