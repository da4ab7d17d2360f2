import { AgentTurn } from './agent-turn.ts';
import { Client, type Fields } from './client.ts';
import type { Ledger } from './ledger.ts';
import type { Script } from './script.ts';

/** Close code of a connection whose agent has a newer one (`wire.md` section 1). */
const REPLACED = 4409;
/** How long the old connection may outlive its replacement. Milliseconds. */
const REPLACED_WITHIN = 45_000;

/** One attached agent, on one connection after the other. */
export class Agent {
  readonly #url: string;
  readonly #credentials: { agent_id: string; token: string };
  readonly #ledger: Ledger;
  #client: Client | undefined;

  constructor(url: string, credentials: { agent_id: string; token: string }, ledger: Ledger) {
    this.#url = url;
    this.#credentials = credentials;
    this.#ledger = ledger;
  }

  /** Attaches; where it is attached already, the new connection takes over, and the old one is closed for that. */
  async attach(): Promise<void> {
    const old = this.#client;
    old?.expected.add(REPLACED);
    const name = this.#credentials.agent_id;
    const client = await Client.connect(this.#url, name, this.#ledger);
    this.#serve(client);
    const { code } = await client.call('session.auth', this.#credentials);
    if (code !== 0) this.#ledger.breach(`${name} was refused with ${code}`);
    this.#client = client;
    if (!old) return;
    this.#ledger.count('agents replaced');
    const timer = setTimeout(() => this.#ledger.breach(`the old connection of ${name} lives on`), REPLACED_WITHIN);
    await old.closed;
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #serve(client: Client): void {
    const turns = new Map<string, AgentTurn>();
    client.onRequest = (id, method, params) => {
      if (method === 'agent.chat') this.#take(client, turns, id, params);
      else if (method === 'agent.chat.approve') {
        const turn = [...turns.values()].find(({ sessionId }) => sessionId === params.session_id);
        const settle = turn?.approve(params.approval_id);
        client.send({ id, result: { resolved: settle !== undefined } });
        settle?.();
      } else this.#ledger.breach(`an agent was sent ${method}`);
    };
    client.onNotification = (method, params) => {
      if (method === 'agent.chat.cancel') turns.get(params.turn_id)?.cancel(params.reason);
      // Of a tool call: its answer, which comes as well, says enough.
      else if (method !== 'tools.progress') this.#ledger.breach(`an agent was told ${method}`);
    };
    void client.closed.then(() => {
      for (const turn of turns.values()) turn.cancel('gone');
    });
  }

  #take(client: Client, turns: Map<string, AgentTurn>, id: unknown, params: Fields): void {
    const script: Script = JSON.parse(params.prompt);
    const turn = new AgentTurn(client, params.session_id, params.turn_id, script, this.#ledger);
    turns.set(params.turn_id, turn);
    if (script.isEarly) turn.say();
    client.send({ id, result: { accepted: true } });
    void turn.run().then(() => turns.delete(params.turn_id));
  }
}
