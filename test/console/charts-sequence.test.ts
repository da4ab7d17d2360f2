import { describe, expect, it } from 'vitest';
import { MESSAGES_KEPT } from '../../console/charts/message-log.ts';
import { ActorsModel } from '../../console/charts/model.ts';
import { sequenceOf, storyOf } from '../../console/charts/sequence.ts';
import { actor, heard, recorder, snapshot, turn } from './charts-support.ts';

/** A broker with a host, an agent and a third client, that everybody watches from the beginning, and from inside. */
function scene() {
  const model = new ActorsModel();
  model.renew(snapshot([actor('root'), actor('h'), actor('a'), actor('c')]), 0);
  const record = recorder();
  const apply = (...records: Parameters<typeof record>) => model.apply(record(...records), 0);
  /** Each arrow as `from > to: label`. */
  const arrows = (id = 't1') => {
    const { lifelines, arrows } = sequenceOf(
      storyOf(model.logs.of(id) ?? expect.unreachable()),
      model.find(id) ?? expect.unreachable(),
      true,
    );
    const name = (at: number | undefined) => (at === undefined ? '' : lifelines[at]?.title);
    return arrows.map(({ from, to, label }) => `${name(from)} > ${name(to)}: ${label}`);
  };
  return { model, apply, arrows };
}

const request = (from: string, id: number, method: string, params: object) =>
  heard('root', 'rpc.request', from, { from, id, method, params });
const chat = (session?: string) =>
  request('h', 1, 'agents.chat', { agent_id: 'echo', ...(session && { session_id: session }) });
const startTurn = (id = 't1') => ({ type: 'started' as const, actor: turn(id) });
const token = (at?: number) => [
  heard('root', 'chat.event', 'a', { from: 'a', params: { kind: 'token', turn_id: 't1', delta: 'x' } }),
  heard('t1', 'chat.event', 'root', { params: { kind: 'token', delta: 'x' } }),
  { ...heard('h', 'chat.token', 't1', { seq: 1, delta: 'x' }), ...(at === undefined ? {} : { at }) },
];

describe('the sequence of a turn', () => {
  it('has a lifeline for host, broker, turn and agent, from left to right', () => {
    const { model, apply } = scene();
    apply(chat(), startTurn());
    const { lifelines } = sequenceOf(
      storyOf(model.logs.of('t1') ?? expect.unreachable()),
      model.find('t1') ?? expect.unreachable(),
      true,
    );
    expect(lifelines.map(({ title }) => title)).toEqual(['host', 'broker', 'turn', 'agent']);
    expect(lifelines.map(({ detail }) => detail)).toEqual(['h', '', 't1', 'echo']);
  });

  it('begins with the request that opened it, and has the answer that the broker gave', () => {
    const { apply, arrows } = scene();
    apply(chat(), startTurn());
    apply(heard('a', 'rpc.call', 't1', { id: 'sb-1', method: 'agent.chat', params: {} }));
    apply(heard('t1', 'call.answered', 'a', { id: 'sb-1', answer: { result: { accepted: true } } }));
    apply(heard('h', 'rpc.reply', 'root', { id: 1, result: { accepted: true } }));
    expect(arrows()).toEqual([
      'host > broker: agents.chat',
      'turn > agent: agent.chat',
      'agent > turn: accepted',
      'broker > host: accepted',
    ]);
  });

  it('makes one arrow of a run of tokens on each leg, and another after something else', () => {
    const { apply, arrows } = scene();
    apply(startTurn(), ...token(), ...token(), ...token());
    apply(heard('h', 'chat.deliver', 't1', { params: { kind: 'tool_call', tool: 'x' } }));
    apply(...token());
    expect(arrows()).toEqual([
      'agent > broker: token ×3',
      'broker > turn: token ×3',
      'turn > host: token ×3',
      'turn > host: x()',
      'agent > broker: token',
      'broker > turn: token',
      'turn > host: token',
    ]);
  });

  it('counts the tokens that a sampled record stands for', () => {
    const { apply, arrows } = scene();
    apply(startTurn(), ...token());
    apply(heard('t1', 'chat.event', 'root', { params: { kind: 'token' } }, 311));
    expect(arrows()).toEqual(['agent > broker: token ×312', 'broker > turn: token ×312', 'turn > host: token ×312']);
  });

  it('takes no count from a connection, which hears the tokens of many turns together', () => {
    const { apply, arrows, model } = scene();
    apply(startTurn(), heard('h', 'chat.token', 't1', { delta: 'x' }, 311));
    expect(arrows()).toEqual([]);
    expect(model.logs.of('t1')?.isSampled).toBe(true);
  });

  it('learns of a leg from what a connection heard together, and of the number from the turn', () => {
    const { apply, arrows } = scene();
    const own = (count: number) => heard('t1', 'chat.event', 'root', { params: { kind: 'token' } }, count);
    apply(startTurn(), own(40), heard('h', 'chat.token', 't1', { delta: 'x' }, 4_000), own(2));
    expect(arrows()).toEqual(['broker > turn: token ×42', 'turn > host: token ×42']);
    apply(
      heard('t1', 'turn.terminal', 'root', { params: { kind: 'done' } }),
      heard('h', 'chat.token', 't1', {}, 4_000),
    );
    expect(arrows()).toHaveLength(3);
  });

  it('from outside › has the tokens once, however late their legs are told of', () => {
    const { apply, model } = scene();
    const own = (count: number) => heard('t1', 'chat.event', 'root', { params: { kind: 'token' } }, count);
    apply(startTurn(), own(40), { ...heard('h', 'chat.token', 't1', { delta: 'x' }, 4_000), at: 9_000 }, own(2));
    const log = model.logs.of('t1') ?? expect.unreachable();
    const { arrows, lifelines } = sequenceOf(storyOf(log), model.find('t1') ?? expect.unreachable(), false);
    expect(arrows.map(({ from = -1, to, label }) => [lifelines[from]?.title, lifelines[to]?.title, label])).toEqual([
      ['agent', 'host', 'token ×42'],
    ]);
  });

  it('has lifelines for callbacks, approvals and further clients where there are any', () => {
    const { apply, arrows } = scene();
    apply(startTurn());
    apply({ type: 'started', actor: actor('cb', { machine: 'callback', parent: 't1', name: 'cb-1' }) });
    apply(heard('h', 'rpc.call', 'cb', { method: 'tools.execute' }));
    const details = { source: 'chat', turn_id: 't1' };
    apply({ type: 'started', actor: actor('ap', { machine: 'approval', name: 'approval-1', context: { details } }) });
    apply(request('c', 4, 'host.resolve_approval', { approval_id: 'approval-1', resolution: 'approve' }));
    apply(heard('ap', 'approval.answer', 'root', {}), heard('c', 'rpc.reply', 'root', { id: 4, result: {} }));
    expect(arrows()).toEqual([
      'callbacks > host: tools.execute',
      'others > broker: approve',
      'broker > approvals: approval.answer',
      'broker > others: host.resolve_approval → ok',
    ]);
  });

  it('has the approval of a gate that parks one of its callbacks', () => {
    const { apply, arrows } = scene();
    apply(startTurn(), { type: 'started', actor: actor('cb', { machine: 'callback', parent: 't1', name: 'cb-1' }) });
    apply({ type: 'started', actor: actor('ap', { machine: 'approval', name: 'approval-1' }) });
    const parked = { event: '', state: ['parked'], previous: ['admitting'], status: 'active' as const };
    apply({ type: 'transition', actor: 'cb', ...parked, context: { approval: 'approval-1' } });
    apply(heard('ap', 'approval.answer', 'root', {}));
    expect(arrows()).toEqual(['broker > approvals: approval.answer']);
  });

  it('says where nobody sent a message, as with a timer', () => {
    const { apply, arrows } = scene();
    apply(startTurn(), heard('t1', 'ack.expired', null));
    expect(arrows()).toEqual([' > turn: ack.expired']);
  });

  it('leaves out what belongs to another turn, also to an earlier one of the same session', () => {
    const { apply, arrows } = scene();
    apply(chat('s'), { type: 'started', actor: turn('t1', { context: { ...turn('t1').context, session_id: 's' } }) });
    apply({ type: 'ended', actor: 't1', status: 'done', state: ['done'] });
    apply(chat('s'), { type: 'started', actor: turn('t2', { context: { ...turn('t2').context, session_id: 's' } }) });
    apply(heard('root', 'rpc.request', 'h', { id: 9, method: 'agents.chat.cancel', params: { session_id: 's' } }));
    expect(arrows('t1')).toEqual(['host > broker: agents.chat']);
    expect(arrows('t2')).toEqual(['host > broker: agents.chat', 'host > broker: agents.chat.cancel']);
  });

  it('takes the request of its own host for its beginning, where two ask at once', () => {
    const { model, apply } = scene();
    apply(chat(), request('c', 8, 'agents.chat', { agent_id: 'echo' }), startTurn());
    expect(model.logs.of('t1')?.messages.map(({ from, name }) => [from, name])).toEqual([['h', 'agents.chat']]);
  });

  it('keeps the last messages only, and says how many it left out', () => {
    const { model, apply } = scene();
    apply(startTurn());
    for (let n = 0; n < MESSAGES_KEPT + 7; n += 1) apply(heard('t1', 'child.done', null));
    const { arrows, forgotten } = sequenceOf(
      storyOf(model.logs.of('t1') ?? expect.unreachable()),
      model.find('t1') ?? expect.unreachable(),
      true,
    );
    expect([arrows.length, forgotten]).toEqual([MESSAGES_KEPT, 7]);
  });

  it('is forgotten with its turn', () => {
    const { model, apply } = scene();
    apply(startTurn(), { type: 'ended', actor: 't1', status: 'done', state: ['done'] });
    model.expire(60_000);
    expect(model.logs.of('t1')).toBeUndefined();
  });
});
