import { randomUUID } from 'node:crypto';
import { openChat } from './chat.ts';
import type { Daemon } from './daemon.ts';
import { DIST, Program } from './program.ts';
import type { Message, WireClient } from './wire-client.ts';

/** A turn whose host offers tools. */
export type ToolTurn = Awaited<ReturnType<typeof toolTurn>>;

/** Opens a turn between a host with these tools and an agent, both new. */
export async function toolTurn(daemon: Daemon, tools: object[] = [{ name: 'clock' }]) {
  const host = await daemon.host();
  await host.ok('tools.register', tools);
  const agentId = `a-${randomUUID()}`;
  const agent = await daemon.agent(agentId);
  const chat = await openChat(host, agent, { agent_id: agentId });
  return { host, agent, agentId, chat, ...callsOf(host, agent, chat.sessionId) };
}

/** How an agent asks for a tool of a session's host, and what that host was asked. */
export function callsOf(host: WireClient, agent: WireClient, sessionId: string) {
  return {
    /** The agent asks; the id is for `agent.replyTo`. */
    execute: (params: object = {}): number =>
      agent.post('tools.execute', { session_id: sessionId, tool: 'clock', parameters: {}, ...params }),
    /** The host's n-th `tools.execute`, once it is there. */
    asked: (n = 0): Promise<Message> => host.when(() => host.received('tools.execute')[n]),
    /** The host's n-th `tools.cancel`, once it is there. */
    withdrawn: async (n = 0): Promise<Message> => (await host.when(() => host.received('tools.cancel')[n])).params,
  };
}

/** The answers that a request got. */
export const answersTo = (client: WireClient, id: unknown): Message[] =>
  client.frames.filter((frame) => frame.id === id && frame.method === undefined);

/** Has a client hear every event from now on, and gives the snapshot. */
export async function subscribe(client: WireClient): Promise<Message> {
  await client.ok('server.handshake', { protocol_version: 3 });
  return client.ok('host.subscribe', {});
}

/** The events that a subscriber has heard. */
export const eventsOf = (client: WireClient): Message[] => client.received('host.event').map(({ params }) => params);

/** Waits until a subscriber hears an event. */
export const heard = (client: WireClient, matches: (event: Message) => boolean): Promise<Message> =>
  client.when(() => eventsOf(client).find(matches));

/** Waits until a subscriber hears that an approval is asked for, and gives its row. */
export async function requested(client: WireClient, matches: (row: Message) => boolean): Promise<Message> {
  return (await heard(client, ({ kind, payload }) => kind === 'approval.requested' && matches(payload))).payload;
}

/** A row of `host.approvals` as somebody sees it. */
export async function rowOf(client: WireClient, id: string): Promise<Message> {
  return (await client.ok('host.approvals', {})).approvals.find((row: Message) => row.id === id);
}

/** How many frames the daemon has dropped for a reason. */
export async function drops(daemon: Daemon, reason: string): Promise<number> {
  const { body } = await daemon.get('/metrics');
  return Number(new RegExp(`^switchboard_drops_total\\{reason="${reason}"\\} (\\S+)$`, 'm').exec(body)?.[1] ?? 0);
}

/** A process of the SDK's: a module's text, after `import { connectAgent, connectHost }`. */
export function sdkProcess(text: string, env: NodeJS.ProcessEnv): Program {
  const client = JSON.stringify(`file://${DIST}/client/node.js`);
  const module = `import { connectAgent, connectHost } from ${client};\n${text}`;
  return new Program(['--input-type=module', '-e', module], env);
}
