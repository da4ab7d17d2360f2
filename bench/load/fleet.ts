import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../targets/target.ts';
import { agentId, chatEventFrame, type PlannedTurn } from './plan.ts';
import { type Message, Wire } from './wire.ts';

/** What a turn is asked: an agent ends one at once where the prompt is this, and waits where it is anything else. */
export const END_AT_ONCE = 'end at once';

/** How many turns may be on their way to their acks: far fewer than an agent could not answer within five seconds. */
const OPENING_AT_ONCE = 500;

const DONE = { kind: 'done', finish_reason: 'stop' };

/** Whether hosts are at the broker of the agents. */
export type Placed = 'together' | 'apart';

/** A connection comes to each broker in turn. */
const MOST_TRIES = 50;
/** So long a broker may take to hear where agents are. Milliseconds. */
const KNOWN_MS = 10_000;

/** The agents and hosts that the load plays at one target, on a connection each. */
export class Fleet {
  readonly agents: Wire[] = [];
  readonly hosts: Wire[] = [];
  /** What every chat asks for besides. */
  chatParams: object = {};
  /** Turns whose terminal is waited for, by session. */
  readonly #ending = new Map<string, () => void>();

  /**
   * Connects and attaches; where the target wants tokens, with tokens.
   * @param placed where a target of several brokers has its agents and hosts; by default wherever they come
   */
  static async open(target: Target, agents: number, hosts: number, placed?: Placed): Promise<Fleet> {
    const fleet = new Fleet();
    let first: string | undefined;
    /** At the broker of the first one, or at another. */
    const open = async (credentials: object, where: 'first' | 'other'): Promise<Wire> => {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const { url, elsewhere = url } = target;
        const wire = await openWire({ url: where === 'other' ? elsewhere : url }, credentials);
        if (!placed) return wire;
        const { epoch } = await wire.call('server.handshake', { protocol_version: 3 });
        first ??= epoch;
        if ((epoch === first) === (where === 'first')) return wire;
        wire.close();
      }
      throw new Error(`no connection comes to ${where === 'first' ? 'the first' : 'another'} broker`);
    };
    const { tokens } = target;
    const manager = tokens && (await openWire(target, { host_token: tokens.host }));
    for (let index = 0; index < agents; index += 1) {
      const id = agentId(index);
      const { token } = manager ? await manager.call('agents.upsert', { id, rotate_token: true }) : { token: 'none' };
      const agent = await open({ token, agent_id: id }, 'first');
      agent.onMessage = (message) => fleet.#answer(agent, message);
      fleet.agents.push(agent);
    }
    for (let index = 0; index < hosts; index += 1) {
      const host = await open({ token: tokens?.daemon ?? 'none' }, placed === 'apart' ? 'other' : 'first');
      host.onMessage = (message) => fleet.#hear(message);
      fleet.hosts.push(host);
    }
    if (placed) await attachedFor(fleet.hosts, agents);
    manager?.close();
    return fleet;
  }

  /** Opens turns, as many at once as is decent, and waits until all are accepted. */
  async openTurns(turns: readonly PlannedTurn[]): Promise<void> {
    for (let from = 0; from < turns.length; from += OPENING_AT_ONCE) {
      await Promise.all(turns.slice(from, from + OPENING_AT_ONCE).map((turn) => this.chat(turn, 'go on')));
    }
  }

  /** Opens one turn. */
  async chat({ agent, host, sessionId }: PlannedTurn, prompt: string): Promise<void> {
    const params = { agent_id: agentId(agent), session_id: sessionId, prompt, ...this.chatParams };
    const { accepted } = await at(this.hosts, host).call('agents.chat', params);
    if (accepted !== true) throw new Error(`${sessionId} was not accepted`);
  }

  /** Has agents end their turns, and waits until every host has heard so. */
  async endTurns(turns: readonly PlannedTurn[]): Promise<void> {
    const ended = turns.map(({ sessionId }) => this.terminal(sessionId));
    for (const { agent, sessionId } of turns) at(this.agents, agent).write(chatEventFrame(sessionId, DONE));
    await Promise.all(ended);
  }

  /** Resolves when a host has received the terminal of a session's turn. */
  terminal(sessionId: string): Promise<void> {
    return new Promise((resolve) => this.#ending.set(sessionId, resolve));
  }

  /** Closes every connection. */
  close(): void {
    for (const wire of [...this.agents, ...this.hosts]) wire.close();
  }

  #answer(agent: Wire, { id, method, params }: Message): void {
    if (method !== 'agent.chat' || id === undefined) throw new Error(`an agent received ${method}`);
    agent.send({ id, result: { accepted: true } });
    if (params.prompt === END_AT_ONCE) agent.write(chatEventFrame(params.session_id, DONE));
  }

  #hear({ method, params }: Message): void {
    const resolve = this.#ending.get(params?.session_id);
    const isEnd = params?.kind === DONE.kind && params.finish_reason === DONE.finish_reason;
    if (method !== 'agents.chat.event' || !isEnd || !resolve) {
      throw new Error(`a host received ${method} ${JSON.stringify(params)}`);
    }
    this.#ending.delete(params.session_id);
    resolve();
  }
}

/** A connection that has authenticated. */
export async function openWire(target: Pick<Target, 'url'>, credentials: object): Promise<Wire> {
  const wire = await Wire.open(target.url);
  await wire.call('session.auth', credentials);
  return wire;
}

/** Where they are, these agents are known to be attached: another broker hears of it a moment later. */
async function attachedFor([host]: readonly Wire[], agents: number): Promise<void> {
  const count = async () => {
    const rows: { attached: boolean }[] = (await host?.call('agents.list', {})) ?? [];
    return rows.filter(({ attached }) => attached).length;
  };
  for (const until = Date.now() + KNOWN_MS; (await count()) < agents; await sleep(20))
    if (Date.now() > until) throw new Error('the agents are not known at the broker of the hosts');
}

/** One of a list that is known to have it. */
function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`there is no number ${index}`);
  return item;
}
