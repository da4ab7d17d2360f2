import { describe, expect, test } from 'vitest';
import { type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { callsOf, pending, resolved } from '../../support/tool-scene.ts';
import { recordsOf, tick } from './inspect-support.ts';

/** A turn that is watched from its first moment, and who sent what: `event: sender's machine → receiver's machine`. */
async function startWatchedTurn() {
  const linked = startLinked({ inspect: true, approvals: { methods: ['tools.execute:gated', 'host.notify'] } });
  const watcher = await linked.manager();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  await host.ok('tools.register', [{ name: 'clock' }, { name: 'gated' }]);
  const snapshot = await watcher.ok('inspect.subscribe');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const sent = async (...events: string[]): Promise<string[]> => {
    await settle();
    await tick(linked);
    const records = recordsOf(watcher);
    const started = records.filter(({ type }) => type === 'started').map(({ actor }: Message) => actor);
    const machines = new Map([...snapshot.actors, ...started].map(({ id, machine }: Message) => [id, machine]));
    return records
      .filter(({ type, event }) => type === 'event' && events.includes(event))
      .map(({ event, from, actor }: Message) => `${event}: ${machines.get(from)} → ${machines.get(actor)}`);
  };
  return { linked, watcher, host, agent, sent, ...callsOf(host, agent) };
}

describe('inspect.event › who is told to be the sender', () => {
  test('a chat is accepted and cancelled › the turn answers, and it is the turn that ends its tool calls and approvals', async () => {
    const { host, agent, execute, sent } = await startWatchedTurn();
    agent.emit('s', pending('a'));
    await execute();
    await host.ok('agents.chat.cancel', { session_id: 's' });
    const seen = await sent('rpc.reply', 'rpc.fail', 'callback.cancel', 'approval.withdraw');
    expect(seen.filter((line) => !line.startsWith('rpc.reply: broker'))).toEqual([
      'rpc.reply: turn → connection',
      'rpc.reply: turn → connection',
      'callback.cancel: turn → callback',
      'rpc.fail: callback → connection',
      'approval.withdraw: turn → approval',
    ]);
  });

  test('a tool answers › the callback passes it on', async () => {
    const { host, agent, execute, asked, sent } = await startWatchedTurn();
    const id = await execute();
    host.answer(asked(), { now: 1 });
    await settle();
    expect(agent.replyTo(id)).toMatchObject({ result: { now: 1 } });
    // What the watcher itself was answered, the broker has.
    expect(await sent('rpc.reply')).toEqual([
      'rpc.reply: broker → connection',
      'rpc.reply: turn → connection',
      'rpc.reply: callback → connection',
    ]);
  });

  test('a person answers a gate › the approval answers them, and it is what opens the gate', async () => {
    const { watcher, execute, sent } = await startWatchedTurn();
    await execute({ tool: 'gated' });
    const { approvals } = await watcher.ok('host.approvals');
    await watcher.ok('host.resolve_approval', { approval_id: approvals[0].id, resolution: 'approve' });
    const seen = await sent('gate.opened', 'rpc.reply');
    expect(seen).toContain('gate.opened: approval → callback');
    expect(seen).toContain('rpc.reply: approval → connection');
  });

  test('an agent settles its own approval › the turn tells the approval, and a person’s answer comes from the approval', async () => {
    const { watcher, agent, sent } = await startWatchedTurn();
    agent.emit('s', pending('a'));
    agent.emit('s', resolved('a'));
    agent.emit('s', pending('b'));
    await settle();
    const { approvals } = await watcher.ok('host.approvals');
    const waiting = approvals.find(({ status }: Message) => status === 'pending');
    const request = watcher.post('host.resolve_approval', { approval_id: waiting.id, resolution: 'deny' });
    await settle();
    agent.answer(agent.received('agent.chat.approve').at(-1), { resolved: true });
    await watcher.replyTo(request);
    expect(await sent('approval.settle', 'approval.settled')).toEqual([
      'approval.settle: turn → approval',
      'approval.settled: approval → turn',
    ]);
  });
});
