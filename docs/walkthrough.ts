import { createBroker } from '../broker.ts';
import { FrameLog, field, type LoggedClient } from './frame-log.ts';

const SESSION = 'demo-1';

/**
 * The frames of `docs/protocol.md`, by region: recorded from a broker in this process, so that they are what is really
 * sent. Ids and tokens are replaced, because they differ each time.
 */
export async function recordFrames(): Promise<ReadonlyMap<string, string>> {
  const broker = createBroker();
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

  await openChat(host, agent, 6, []);
  await agent.close();
  await host.send({ id: 7, method: 'agents.chat', params: { agent_id: 'poet', prompt: 'again' } });
  frames.set('frames-lost', log.take());

  await host.send({ id: 8, method: 'agents.chat', params: { agent_id: 'po et' } });
  frames.set('frames-invalid', log.take());

  await broker.close();
  return frames;
}

/** A chat that the agent accepts, and the events that it then streams. */
async function openChat(host: LoggedClient, agent: LoggedClient, id: number, events: readonly object[]): Promise<void> {
  const params = { agent_id: 'poet', prompt: 'a line, please', session_id: SESSION };
  await host.send({ id, method: 'agents.chat', params });
  const turn = { session_id: SESSION, turn_id: field(agent, 'turn_id') };
  await agent.send({ id: agent.last.id, result: { accepted: true } });
  for (const event of events) await agent.send({ method: 'agent.chat.event', params: { ...turn, ...event } });
}
