import { type Broker, createBroker } from '../broker.ts';
import { FrameLog, field, type LoggedClient } from './frame-log.ts';

const SESSION = 'demo-1';

/**
 * The frames of `docs/protocol.md`, by region: recorded from a broker in this process, so that they are what is really
 * sent. Ids and tokens are replaced, because they differ each time.
 */
export async function recordFrames(): Promise<ReadonlyMap<string, string>> {
  const broker = createBroker({ approvals: { methods: ['tools.execute:mail'] } });
  const log = new FrameLog(broker);
  const [manager, agent, host] = [log.connect('management'), log.connect('agent'), log.connect('host')];
  const frames = new Map<string, string>();

  await manager.send({ id: 1, method: 'session.auth', params: { host_token: broker.tokens.host } });
  await manager.send({ id: 2, method: 'agents.upsert', params: { id: 'poet', name: 'Poet' } });
  const token = field(manager, 'token');
  log.label(token, 'agent token');
  log.label(broker.tokens.host, 'host token');
  log.label(broker.tokens.daemon, 'daemon token');
  frames.set('frames-register', log.take());

  await agent.send({ id: 1, method: 'session.auth', params: { token, agent_id: 'poet' } });
  await host.send({ id: 1, method: 'session.auth', params: { token: broker.tokens.daemon } });
  await host.send({ id: 2, method: 'server.handshake', params: { protocol_version: 3, client_version: 'demo 1.0' } });
  frames.set('frames-open', log.take());

  await openChat(host, agent, 3, [
    { kind: 'token', delta: 'Roses ' },
    { kind: 'token', delta: 'are red' },
    { kind: 'done', finish_reason: 'stop' },
  ]);
  frames.set('frames-chat', log.take());

  await openChat(host, agent, 4, [{ kind: 'token', delta: 'Violets' }]);
  await host.send({ id: 5, method: 'agents.chat.cancel', params: { session_id: SESSION } });
  frames.set('frames-cancel', log.take());

  await recordTools(log, { manager, agent, host }, frames);

  await recordResume(log, { agent, broker }, frames);

  await openChat(host, agent, 9, []);
  await agent.close();
  await host.send({ id: 10, method: 'agents.chat', params: { agent_id: 'poet', prompt: 'again' } });
  frames.set('frames-lost', log.take());

  await host.send({ id: 11, method: 'agents.chat', params: { agent_id: 'po et' } });
  frames.set('frames-invalid', log.take());

  await broker.close();
  return frames;
}

/** One turn that uses a tool, then one that the gate parks, and then asks for an approval of its own. */
async function recordTools(
  log: FrameLog,
  { manager, agent, host }: Record<'manager' | 'agent' | 'host', LoggedClient>,
  frames: Map<string, string>,
): Promise<void> {
  const tools = [{ name: 'rhyme', description: 'Finds a rhyme' }, { name: 'mail' }];
  await host.send({ id: 6, method: 'tools.register', params: tools });
  const emit = await openChat(host, agent, 7, []);
  const use = (id: number, tool: string, parameters: object) =>
    agent.send({ id, method: 'tools.execute', params: { session_id: SESSION, tool, parameters } });

  await use(2, 'rhyme', { word: 'blue' });
  const { id } = host.last;
  await host.send({ method: 'tools.progress', params: { request_id: id, message: 'leafing through' } });
  await host.send({ id, result: ['true', 'you'] });
  frames.set('frames-tool', log.take());

  await use(3, 'mail', { to: 'ada@example.org', api_key: 'k-123' });
  await manager.send({ id: 3, method: 'host.approvals' });
  const [row] = field(manager, 'approvals') as { id: string }[];
  await manager.send({ id: 4, method: 'host.resolve_approval', params: { approval_id: row?.id, resolution: 'deny' } });
  frames.set('frames-gate', log.take());

  await emit({ kind: 'approval_pending', approval_id: 'ap-1', action: 'publish the poem' });
  const params = { session_id: SESSION, approval_id: 'ap-1', decision: true, answer: 'as it is' };
  await host.send({ id: 8, method: 'agents.chat.approve', params });
  await agent.send({ id: agent.last.id, result: { resolved: true } });
  await emit({ kind: 'approval_resolved', approval_id: 'ap-1', resolution: 'approve' });
  frames.set('frames-approve', log.take());

  await emit({ kind: 'done', finish_reason: 'stop' });
  log.take();
}

/** One turn whose host is lost and comes back on another connection. */
async function recordResume(
  log: FrameLog,
  { agent, broker }: { agent: LoggedClient; broker: Broker },
  frames: Map<string, string>,
): Promise<void> {
  const [lost, back] = [log.connect('host'), log.connect('host again')];
  for (const client of [lost, back]) {
    await client.send({ id: 1, method: 'session.auth', params: { token: broker.tokens.daemon } });
  }
  log.take();
  const emit = await openChat(lost, agent, 2, [], { resume_window_ms: 60_000 });
  const token = field(lost, 'resume_token');
  log.label(token, 'resume token');
  await emit({ kind: 'token', delta: 'Sugar ' });
  await lost.close();
  await emit({ kind: 'token', delta: 'is sweet' });
  const params = { session_id: SESSION, after: 1, resume_token: token };
  await back.send({ id: 2, method: 'agents.chat.subscribe', params });
  await emit({ kind: 'done', finish_reason: 'stop' });
  frames.set('frames-resume', log.take());
}

/** Sends one event of a turn. */
type Emit = (event: object) => Promise<void>;

/** A chat that the agent accepts, and the events that it then streams. */
async function openChat(
  host: LoggedClient,
  agent: LoggedClient,
  id: number,
  events: readonly object[],
  more: object = {},
): Promise<Emit> {
  const params = { agent_id: 'poet', prompt: 'a line, please', session_id: SESSION, ...more };
  await host.send({ id, method: 'agents.chat', params });
  const turn = { session_id: SESSION, turn_id: field(agent, 'turn_id') };
  await agent.send({ id: agent.last.id, result: { accepted: true } });
  const emit: Emit = (event) => agent.send({ method: 'agent.chat.event', params: { ...turn, ...event } });
  for (const event of events) await emit(event);
  return emit;
}
