import type { BrokerOptions } from '../../../broker.ts';
import { type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';

/** The secret that a host chose. */
export const TOKEN = 'a'.repeat(43);
/** A chat that is opened with it. */
export const CHAT = { agent_id: 'echo', prompt: 'hi', session_id: 's', resume_window_ms: 60_000, resume_token: TOKEN };

/** An agent, and two connections of one host. */
export async function start(options: BrokerOptions = {}) {
  const linked = startLinked(options);
  const agent = await linked.agent('echo');
  return {
    linked,
    agent,
    first: await linked.host(),
    second: await linked.host(),
    /** How often the agent was asked. */
    asked: () => agent.received('agent.chat').length,
    accept: async () => {
      agent.answer(agent.lastChat(), { accepted: true });
      await settle();
    },
    say: async (delta: string) => {
      agent.emit('s', { kind: 'token', delta });
      await settle();
    },
    end: async () => {
      agent.emit('s', { kind: 'done', finish_reason: 'stop' });
      await settle();
    },
    row: async (): Promise<Message> => {
      const manager = await linked.manager();
      const { sessions } = await manager.ok('agents.chat.sessions');
      manager.close();
      return sessions[0];
    },
  };
}

/** Opens the chat, and gives the request's id. */
export const open = async (client: LinkedClient, more: object = {}): Promise<number> => {
  const id = client.post('agents.chat', { ...CHAT, ...more });
  await settle();
  return id;
};
/** A connection is lost. */
export const leave = async (client: LinkedClient) => {
  client.close();
  await settle();
};
