import type { InspectRecord, InspectSnapshot } from '../../protocol/inspect.ts';
import type { RecordedTurn, RecordedTurnLog } from '../../protocol/recording.ts';
import { type Message, settle, startLinked } from '../support/linked.ts';

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
  const linked = startLinked({ inspect: true, approvals: { methods: ['tools.execute:rm'] } });
  const { advance } = linked;
  const watcher = await linked.manager();
  const person = await linked.manager();
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'rm' }]);
  const agent = await linked.agent('coder');
  const snapshot: InspectSnapshot = await watcher.ok('inspect.subscribe');
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
  const records: InspectRecord[] = watcher.received('inspect.event').flatMap(({ params }) => params.records);
  return recordedOf(snapshot, records);
}

/** What the recorder would keep: nothing of whoever only watches. */
function recordedOf(snapshot: InspectSnapshot, all: readonly InspectRecord[]): RecordedScene {
  const watchers = snapshot.actors.filter(({ context }) => context.role === 'host').map(({ id }) => id);
  const [watcher] = watchers;
  const records = all.filter(
    (record) => record.type !== 'event' || (record.actor !== watcher && record.from !== watcher),
  );
  const started = records.find((record) => record.type === 'started' && record.actor.machine === 'turn');
  if (started?.type !== 'started') throw new Error('no turn was recorded');
  const { name, context, started_at } = started.actor;
  const turn: RecordedTurn = {
    turn_id: name,
    session_id: 's',
    agent_id: 'coder',
    host: String((context as Message).host),
    prompt: 'find the fault',
    state: 'failed',
    started_at,
    ended_at: records.findLast(({ type }) => type === 'ended')?.at ?? started_at,
    first_token_ms: 100,
    streaming_ms: 6_000,
    tokens: 3,
    tools: 2,
    tools_failed: 1,
    tool_names: ['grep', 'rm'],
    approvals: 2,
    waited_ms: 5_000,
    error: { code: 'empty', message: 'nothing found' },
  };
  return { turn, log: { turn, machines: snapshot.machines, actors: snapshot.actors, records, next: 1 } };
}
