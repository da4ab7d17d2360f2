import { expect, it } from 'vitest';
import { ActorsModel } from '../../console/charts/model.ts';
import { sequenceOf, storyOf } from '../../console/charts/sequence.ts';
import { actor, heard, recorder, snapshot, turn } from './charts-support.ts';

/** The arrows of turn `t1`, each as `from > to: label`, after what was told. */
function arrowsOf(...records: Parameters<ReturnType<typeof recorder>>): string[] {
  const model = new ActorsModel();
  const record = recorder();
  model.renew(snapshot([actor('root'), actor('h'), actor('a'), actor('next')]), 0);
  model.apply(record({ type: 'started', actor: turn('t1') }, ...records), 0);
  const { lifelines, arrows } = sequenceOf(
    storyOf(model.logs.of('t1') ?? expect.unreachable()),
    model.find('t1') ?? expect.unreachable(),
    true,
  );
  const name = (at: number | undefined) => (at === undefined ? '' : lifelines[at]?.title);
  return arrows.map(({ from, to, label }) => `${name(from)} > ${name(to)}: ${label}`);
}

it('the sequence of a turn that can be resumed › names its frames by what they say', () => {
  expect(
    arrowsOf(
      heard('h', 'chat.frame', 't1', { params: { kind: 'tool_call', tool: 'x' } }),
      heard('h', 'chat.frame', 't1', { text: '…', length: 20_000 }),
      heard('h', 'chat.frame', 't1', { params: { kind: 'token', delta: 'x', extra: 1 } }),
      heard('h', 'chat.frame', 't1', { params: { kind: 'token', delta: 'y', extra: 1 } }),
    ),
  ).toEqual(['turn > host: x()', 'turn > host: agents.chat.event', 'turn > host: token ×2']);
});

it('the sequence of a turn whose host comes back over another connection › has that one for its host from there on', () => {
  const params = { session_id: 'session-t1', turn_id: 't1', after: 4 };
  expect(
    arrowsOf(
      heard('h', 'chat.token', 't1', { delta: 'x' }),
      heard('t1', 'host.gone', 'root', { turn: 't1' }),
      heard('root', 'rpc.request', 'next', { from: 'next', id: 7, method: 'agents.chat.subscribe', params }),
      heard('t1', 'host.joined', 'root', { subscription: { client: 'next', id: 7, after: 4 } }),
      heard('next', 'rpc.reply', 't1', { id: 7, result: {} }),
      heard('next', 'chat.token', 't1', { delta: 'y' }),
    ),
  ).toEqual([
    'turn > host: token',
    'broker > turn: host.gone',
    'host > broker: agents.chat.subscribe',
    'broker > turn: host.joined',
    'turn > host: agents.chat.subscribe → ok',
    'turn > host: token',
  ]);
});

it('the sequence of a turn that is watched › has its observer among the others', () => {
  expect(
    arrowsOf(
      heard('t1', 'observer.joined', 'root', { subscription: { client: 'next', id: 7, after: 0 } }),
      heard('next', 'chat.token', 't1', { delta: 'y' }),
      heard('h', 'chat.token', 't1', { delta: 'y' }),
      heard('t1', 'window.expired'),
    ),
  ).toEqual([
    'broker > turn: observer.joined',
    'turn > others: token',
    'turn > host: token',
    ' > turn: window.expired',
  ]);
});
