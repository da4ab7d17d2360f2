import type { BrokerOptions } from '../../../broker.ts';
import {
  inspectTurnResult,
  inspectTurnsResult,
  type RecordedEvent,
  type RecordedTurnLog,
  type RecordedTurns,
} from '../../../protocol/recording.ts';
import { type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { callsOf } from '../../support/tool-scene.ts';

/** Asks the recorder, each answer held against its schema. */
export const asking = (manager: LinkedClient) => ({
  turns: async (query: object = {}): Promise<RecordedTurns> => {
    const id = manager.post('inspect.turns', query);
    await arrives(manager, id);
    return inspectTurnsResult.parse(manager.replyTo(id).result);
  },
  turn: async (turn_id: string, after?: number): Promise<RecordedTurnLog> => {
    const id = manager.post('inspect.turn', { turn_id, ...(after === undefined ? {} : { after }) });
    await arrives(manager, id);
    return inspectTurnResult.parse(manager.replyTo(id).result);
  },
});

/** A search takes as many turns of the loop as it takes. */
async function arrives(client: LinkedClient, id: number): Promise<void> {
  while (client.replyTo(id) === undefined) await settle();
}

/** A broker that records, with a manager, a host that has tools, and the agent `echo`. */
export async function startRecorded(options: BrokerOptions = {}) {
  const linked = startLinked({ record: true, approvals: { methods: ['tools.execute:gated'] }, ...options });
  const manager = await linked.manager();
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'clock' }, { name: 'gated' }]);
  const agent = await linked.agent('echo');
  return {
    linked,
    manager,
    host,
    agent,
    ask: asking(manager),
    ...callsOf(host, agent),
    open: async (session_id: string, more: Message = {}): Promise<string> =>
      (await openChat(host, agent, { agent_id: 'echo', session_id, prompt: 'hi', ...more })).turn_id,
    say: async (session: string, ...deltas: string[]): Promise<void> => {
      for (const delta of deltas) agent.emit(session, { kind: 'token', delta });
      await settle();
    },
    end: async (session: string, more: Message = { kind: 'done' }): Promise<void> => {
      agent.emit(session, more);
      await settle();
    },
  };
}

/** What was said, as it was recorded. */
export const textOf = (records: readonly RecordedEvent[]): string =>
  records.map((record) => (record.type === 'text' ? record.text : '')).join('');

/** Records in short: `machine hears event` and `machine -> state`. */
export function inShort({ actors, records }: RecordedTurnLog): string[] {
  const machines = new Map(actors.map(({ id, machine }) => [id, machine]));
  const name = (id: string | null) => (id === null ? 'outside' : (machines.get(id) ?? id));
  const short = (record: RecordedEvent): string => {
    if (record.type === 'text') return `text ${record.count}`;
    if (record.type === 'dropped') return `dropped ${record.count}`;
    if (record.type === 'event') return `${name(record.from)} > ${name(record.actor)} ${record.event}`;
    if (record.type === 'transition') return `${name(record.actor)} -> ${record.state.join(' ')}`;
    if (record.type === 'ended') return `${name(record.actor)} ended ${record.status}`;
    machines.set(record.actor.id, record.actor.machine);
    return `${record.actor.machine} started`;
  };
  return records.map(short);
}
