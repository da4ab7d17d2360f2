import type { BrokerOptions } from '../../broker.ts';
import { type LinkedClient, type Message, openChat, settle, startLinked } from './linked.ts';

/** A turn in session `s` between `host`, which has the tool `clock`, and the agent `echo`. */
export async function startToolScene(options: BrokerOptions = {}, tools: Message[] = [{ name: 'clock' }]) {
  const linked = startLinked(options);
  const host = await linked.host();
  await host.ok('tools.register', tools);
  const agent = await linked.agent('echo');
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  return { linked, broker: linked.broker, host, agent, turnId: turn_id as string, ...callsOf(host, agent) };
}

/** What {@link startToolScene} gives. */
export type ToolScene = Awaited<ReturnType<typeof startToolScene>>;

/** How an agent asks for a tool, and what its host was asked. */
export function callsOf(host: LinkedClient, agent: LinkedClient) {
  return {
    /** The agent asks for a tool; the id is for `agent.replyTo`. */
    async execute(params: Message = {}): Promise<number> {
      const id = agent.post('tools.execute', { session_id: 's', tool: 'clock', parameters: {}, ...params });
      await settle();
      return id;
    },
    /** The newest `tools.execute` that the host was sent. */
    asked: (): Message => host.received('tools.execute').at(-1),
    /** The parameters of every `tools.cancel` that the host was sent. */
    cancels: (): Message[] => host.received('tools.cancel').map((frame) => frame.params),
  };
}

/** How often a request was answered. */
export const answersTo = (client: LinkedClient, id: unknown): Message[] =>
  client.frames.filter((frame) => frame.id === id && frame.method === undefined);

/** A chat turn's approval on its way. */
export const pending = (approval_id: string, more: object = {}) => ({
  kind: 'approval_pending',
  approval_id,
  tool: 'rm',
  params: { path: '/' },
  ...more,
});

/** The agent says how its approval ended. */
export const resolved = (approval_id: string, resolution = 'approve') => ({
  kind: 'approval_resolved',
  approval_id,
  resolution,
});

/** The rows of `host.approvals` as a client sees them. */
export const approvalsOf = async (client: LinkedClient): Promise<Message[]> =>
  (await client.ok('host.approvals')).approvals;

/** Has a client hear every event from now on. */
export async function subscribe(client: LinkedClient): Promise<Message> {
  await client.ok('server.handshake', { protocol_version: 3 });
  return client.ok('host.subscribe');
}

/** The events that a subscriber has heard. */
export const eventsOf = (client: LinkedClient): Message[] => client.received('host.event').map((frame) => frame.params);
