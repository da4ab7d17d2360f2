import { describe, expect, test } from 'vitest';
import { crossingOf } from '../../console/charts/crossing.ts';
import { ActorsModel } from '../../console/charts/model.ts';
import { rowsOf, titleOf } from '../../console/charts/tree-rows.ts';
import type { FeedRecord, InspectedActor } from '../../protocol/inspect.ts';
import { actor, recorder, snapshot } from './charts-support.ts';

/* Actors of several brokers, as one feed tells of them. */

/** An actor at the other broker. */
const there = (id: string, given: Partial<InspectedActor> = {}): InspectedActor =>
  actor(`b/${id}`, { name: id, parent: id === 'root' ? null : 'b/root', broker: 'b', ...given });

const started = (one: InspectedActor) => ({ type: 'started' as const, actor: one });
const broker = (seen: 'begins' | 'whole' | 'lost') => ({ type: 'broker', broker: 'b', seen }) as never;

function watched() {
  const model = new ActorsModel();
  const record = recorder();
  const renew = (sequence = 0) =>
    model.renew({ ...snapshot([actor('root'), actor('h')], sequence), broker: 'a', brokers: ['b'] }, 0);
  renew();
  let last = 0;
  const tell = (...records: never[]) => {
    const numbered = record(...records) as FeedRecord[];
    last = numbered.at(-1)?.sequence ?? last;
    expect(model.apply(numbered, 0)).toBe('ok');
  };
  return { model, tell, renew: () => renew(last) };
}

const turn = there('turn-1', {
  machine: 'turn',
  state: ['live.work.streaming'],
  context: { host: 'g', agent: 'ag', agent_id: 'echo', session_id: 's' },
});
const guest = there('g', { context: { guest_of: { broker: 'a', client: 'h' } } });
const all = [there('root', { machine: 'broker' }), guest, there('ag'), turn].map(started) as never[];

describe('actors of another broker', () => {
  test('they are told as they stood › they are there, beside the page’s own, and no turn has started', () => {
    const { model, tell } = watched();
    tell(broker('begins'), ...all, broker('whole'));
    expect(model.newestTurn).toBeUndefined();
    const roots = rowsOf(model, { text: '', kind: '' }, new Set()).filter(({ level }) => level === 1);
    expect(roots.map(({ actor: one }) => one && titleOf(one))).toEqual(['broker a', 'broker b']);
    tell(started(there('turn-2', { machine: 'turn' })) as never);
    expect(model.newestTurn).toBe('b/turn-2');
  });

  test('they are told anew › who is not told of again has ended, and nobody before that', () => {
    const { model, tell, renew } = watched();
    tell(broker('begins'), ...all, broker('whole'));
    renew();
    const live = () => [...model.actors.values()].filter(({ endedAt }) => endedAt === undefined).map(({ id }) => id);
    expect(live()).toContain('b/turn-1');
    tell(broker('begins'), ...all.slice(0, 3));
    expect(live()).toContain('b/turn-1');
    tell(broker('whole'));
    expect(live()).not.toContain('b/turn-1');
    expect(live()).toEqual(expect.arrayContaining(['root', 'h', 'b/root', 'b/g', 'b/ag']));
    tell(broker('lost'));
    expect(live()).toEqual(['root', 'h']);
  });

  test('the page is connected to another broker › what is known of the first is gone', () => {
    const { model, tell } = watched();
    tell(broker('begins'), ...all, broker('whole'));
    model.renew({ ...snapshot([actor('root')]), broker: 'b', brokers: ['a'] }, 0);
    expect([...model.actors.keys()]).toEqual(['root']);
  });
});

describe('both sides of a turn', () => {
  const extension = actor('x', {
    name: 'h@b:1',
    machine: 'extension',
    context: { client: 'h', broker: 'b', turns: ['turn-1'] },
  });
  const partsOf = (id: string) => {
    const { model, tell } = watched();
    tell(started(extension) as never, broker('begins'), ...all, broker('whole'));
    const of = model.actors.get(id);
    return of && crossingOf(model, of)?.map((one) => [one.part, one.broker, one.actor?.id]);
  };

  test.each(['b/turn-1', 'x', 'b/g', 'h'])('of %s › from its host to its agent, broker by broker', (id) => {
    expect(partsOf(id)).toEqual([
      ['host', 'a', 'h'],
      ['extension', 'a', 'x'],
      ['guest', 'b', 'b/g'],
      ['turn', 'b', 'b/turn-1'],
      ['agent', 'b', 'b/ag'],
    ]);
  });

  test.each(['root', 'b/root', 'b/ag'])('of %s › none', (id) => {
    expect(partsOf(id)).toBeUndefined();
  });
});
