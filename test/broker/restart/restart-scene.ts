import type { Broker, BrokerOptions } from '../../../broker.ts';
import type { DurableLevel } from '../../../protocol/turn-journal.ts';
import { type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { MemoryDisk, MemoryTurnJournal } from '../../support/memory-turn-journal.ts';

/** Lets the next life take up all that there is: a slice of it in each turn of the loop. */
export async function recovered(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await settle();
}

/** Opens a chat, has the agent accept it, and waits until that is kept. */
export async function openKept(host: LinkedClient, agent: LinkedClient, params: Message): Promise<Message> {
  const id = host.post('agents.chat', { prompt: 'hi', ...params });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await recovered();
  return host.replyTo(id)?.result;
}

/** One life of a broker that keeps its turns on this disk. */
export function startLife(
  disk: MemoryDisk,
  { level = 'process', isAuto = true, ...options }: BrokerOptions & { level?: DurableLevel; isAuto?: boolean } = {},
) {
  const journal = new MemoryTurnJournal(disk, level, isAuto);
  const linked = startLinked({ ...options, turnJournal: journal });
  const tokens = new Map<string, string>();
  return {
    journal,
    linked,
    broker: linked.broker as Broker,
    /** The agent on a connection of its own; the same again is a newer one. */
    async attach(id = 'echo', resume = true): Promise<LinkedClient> {
      const token = tokens.get(id) ?? (linked.broker.upsertAgent({ id }).token as string);
      tokens.set(id, token);
      const client = linked.connect();
      await client.ok('session.auth', { agent_id: id, token, resume });
      return client;
    },
    /** The process is killed: what was not written is gone, and nobody hears a word. */
    kill(): void {
      journal.kill();
    },
  };
}

/** A turn in session `s` that outlives its broker: `prepare` is done in its first life. */
export async function startKept(options: Parameters<typeof startLife>[1] = {}, chat: object = {}) {
  const disk = new MemoryDisk();
  const life = startLife(disk, options);
  const host = await life.linked.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const agent = await life.attach();
  const params = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000, ...chat };
  const opened = await openKept(host, agent, params);
  const turnId = opened.turn_id as string;
  const token = opened.resume_token as string;
  return {
    disk,
    life,
    host,
    agent,
    turnId,
    token,
    /** The broker is killed, and started anew. */
    async again(others: Parameters<typeof startLife>[1] = options) {
      life.kill();
      const next = startLife(disk, others);
      await recovered();
      return next;
    },
    /** What its agent names it by. */
    named: (fields: object = {}) => ({ turn_id: turnId, session_id: 's', ...fields }),
    claim: (fields: object = {}) => ({ session_id: 's', resume_token: token, ...fields }),
    /** Events of the turn with these numbers: a text is a token. */
    async say(client: LinkedClient, from: number, ...said: (string | object)[]): Promise<void> {
      for (const [index, each] of said.entries()) {
        const event = typeof each === 'object' ? each : { kind: 'token', delta: each };
        client.emit('s', { ...event, turn_id: turnId, aseq: from + index });
      }
      await settle();
      await settle();
    },
  };
}

/** What a host was told of the turn, in short: `1 a`, `agent_back`, `3 error agent_disconnected`. */
export { DONE, told } from '../comeback/comeback-scene.ts';

export const rowsOf = async (client: LinkedClient): Promise<Message[]> =>
  (await client.ok('agents.chat.sessions')).sessions;

export const statusOf = async (life: ReturnType<typeof startLife>): Promise<string | undefined> => {
  const manager = await life.linked.manager();
  const row = (await rowsOf(manager)).find(({ session_id }) => session_id === 's');
  manager.close();
  return row?.status;
};
