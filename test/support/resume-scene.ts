import type { BrokerOptions } from '../../broker.ts';
import { type LinkedClient, type Message, openChat, settle, startLinked } from './linked.ts';

/** A turn in session `s` that may be resumed for a minute, between `host` and the agent `echo`. */
export async function startResumable(options: BrokerOptions = {}, chat: object = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const agent = await linked.agent('echo');
  const params = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000, ...chat };
  const opened = await openChat(host, agent, params);
  return {
    linked,
    broker: linked.broker,
    host,
    agent,
    turnId: opened.turn_id as string,
    token: opened.resume_token as string,
    /** The agent streams these deltas. */
    async say(...deltas: string[]): Promise<void> {
      for (const delta of deltas) agent.emit('s', { kind: 'token', delta });
      await settle();
    },
    async emit(event: object): Promise<void> {
      agent.emit('s', event);
      await settle();
    },
    /** The host's connection is lost. */
    async leave(client: LinkedClient = host): Promise<void> {
      client.close();
      await settle();
    },
    /** A new connection takes the turn up with its token. */
    async resume(params: object = {}): Promise<{ client: LinkedClient; result: Message }> {
      const client = await linked.host();
      return { client, result: await client.ok('agents.chat.subscribe', { ...this.claim(), ...params }) };
    },
    /** What the token's owner asks with. */
    claim: () => ({ session_id: 's', resume_token: opened.resume_token as string }),
    /** The status that the management role sees; undefined where the turn has ended. */
    async status(): Promise<string | undefined> {
      const manager = await linked.manager();
      const { sessions } = await manager.ok('agents.chat.sessions');
      manager.close();
      return sessions.find((row: Message) => row.session_id === 's')?.status;
    },
    /** Why the agent was told to stop. */
    reasons: (): string[] => agent.received('agent.chat.cancel').map((frame) => frame.params.reason),
  };
}

/** What a client heard of the turn, in short: `3 token c`. */
export const heard = (client: LinkedClient): string[] =>
  client.events('s').map(({ seq, kind, delta, code, finish_reason }) => {
    return [seq, kind, delta ?? code ?? finish_reason].filter((part) => part !== undefined).join(' ');
  });

/** The code of the error that `agents.chat.subscribe` is answered with. */
export const refusal = async (client: LinkedClient, params: object): Promise<number | undefined> =>
  (await client.call('agents.chat.subscribe', params))?.error?.code;
