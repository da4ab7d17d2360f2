import type { BrokerOptions } from '../../../broker.ts';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';

/** An agent that numbers its events, and a host with a turn of it in session `s`. */
export async function startComeback(options: BrokerOptions = {}, chat: object = {}) {
  const linked = startLinked(options);
  const token = linked.broker.upsertAgent({ id: 'echo' }).token;
  /** The agent on a connection of its own; the same again is a newer one. */
  const attach = async (resume = true): Promise<LinkedClient> => {
    const client = linked.connect();
    await client.ok('session.auth', { agent_id: 'echo', token, resume });
    return client;
  };
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const agent = await attach();
  const opened = await openChat(host, agent, { agent_id: 'echo', session_id: 's', ...chat });
  const turnId = opened.turn_id as string;
  return {
    linked,
    host,
    agent,
    turnId,
    attach,
    /** What its own agent names it by. */
    named: (fields: object = {}) => ({ turn_id: turnId, session_id: 's', ...fields }),
    /** The agent is back, and names its turn. */
    async back(fields: object = {}): Promise<{ agent: LinkedClient; row: Message }> {
      const client = await attach();
      const turn = { turn_id: turnId, session_id: 's', ...fields };
      const { turns } = await client.ok('agent.resume', { turns: [turn] });
      return { agent: client, row: turns[0] };
    },
    /** Events of the turn with these numbers: a text is a token, `done` its end. */
    async say(client: LinkedClient, from: number, ...said: (string | object)[]): Promise<void> {
      for (const [index, each] of said.entries()) {
        const event = typeof each === 'object' ? each : { kind: 'token', delta: each };
        client.emit('s', { ...event, turn_id: turnId, aseq: from + index });
      }
      await settle();
    },
    async cut(client: LinkedClient = agent): Promise<void> {
      client.cut();
      await settle();
    },
    async status(): Promise<string | undefined> {
      const manager = await linked.manager();
      const { sessions } = await manager.ok('agents.chat.sessions');
      manager.close();
      return sessions.find((row: Message) => row.session_id === 's')?.status;
    },
  };
}

export const DONE = { kind: 'done', finish_reason: 'stop' };

/** What a host was told of the turn, in short: `1 a`, `agent_away`, `3 error agent_disconnected`. */
export const told = (client: LinkedClient): string[] =>
  client.events('s').map(({ seq, kind, delta, code, finish_reason }) => {
    const what =
      kind === 'token' ? delta : [kind, code ?? finish_reason].filter((part) => part !== undefined).join(' ');
    return seq === undefined ? what : `${seq} ${what}`;
  });

/** The acks that an agent was sent, each as `[received, released]`. */
export const acked = (client: LinkedClient): [number, number][] =>
  client.received('agent.chat.ack').flatMap(({ params }) => params.acks.map(([, ...numbers]: number[]) => numbers));
