import type { RecordedTurn, RecordedTurnLog } from '../../protocol/recording.ts';
import { settle, startLinked } from '../support/linked.ts';

/** What of a turn was recorded, and what a table says of it. */
export interface RecordedScene {
  turn: RecordedTurn;
  log: RecordedTurnLog;
}

/**
 * A turn at a real broker, its clock moved by hand: a tool of the agent's that fails, one of the host's that a person lets
 * through, an approval of the agent's, and an error at the end.
 */
export async function recordScene(): Promise<RecordedScene> {
  const linked = startLinked({ record: true, approvals: { methods: ['tools.execute:rm'] } });
  const { advance } = linked;
  const person = await linked.manager();
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'rm' }]);
  const agent = await linked.agent('coder');
  const emit = async (event: object, ms: number) => {
    agent.emit('s', event);
    await advance(ms);
  };
  host.post('agents.chat', { agent_id: 'coder', session_id: 's', prompt: 'find the fault' });
  await advance(40);
  agent.answer(agent.lastChat(), { accepted: true });
  await advance(60);
  await emit({ kind: 'token', delta: 'Let me ' }, 0);
  await emit({ kind: 'token', delta: 'look. ' }, 100);
  await emit({ kind: 'tool_call', tool: 'grep', call_id: 'c1', params: { pattern: 'TODO' } }, 300);
  await emit({ kind: 'tool_result', tool: 'grep', call_id: 'c1', ok: false, excerpt: 'no match' }, 500);
  agent.post('tools.execute', { session_id: 's', tool: 'rm', parameters: { path: '/x' } });
  await advance(2_000);
  const approval_id = host.events('s').find(({ kind }) => kind === 'gate_pending').approval_id;
  person.post('host.resolve_approval', { approval_id, resolution: 'approve' });
  await advance(10);
  host.answer(host.received('tools.execute').at(-1), { ok: true });
  await advance(90);
  await emit({ kind: 'approval_pending', approval_id: 'a1', tool: 'bash', params: { command: 'ls' } }, 3_000);
  host.post('agents.chat.approve', { session_id: 's', approval_id: 'a1', decision: false });
  await settle();
  agent.answer(agent.received('agent.chat.approve').at(-1), { resolved: true });
  await emit({ kind: 'approval_resolved', approval_id: 'a1', resolution: 'deny' }, 200);
  await emit({ kind: 'token', delta: 'I give up.' }, 400);
  await emit({ kind: 'error', error: 'nothing found', code: 'empty' }, 1_000);
  const { turns } = await person.ok('inspect.turns', {});
  const log: RecordedTurnLog = await person.ok('inspect.turn', { turn_id: turns[0].turn_id });
  return { turn: log.turn, log };
}
