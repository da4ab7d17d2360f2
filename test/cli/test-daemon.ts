import type { Message, Wire } from '../client/scripted-broker.ts';
import { ScriptedBroker } from '../client/scripted-broker.ts';
import { TestIo } from './test-io.ts';

/** How a scripted agent answers: the events of one turn, or what to do with it. */
export type Answer = (prompt: string, turn: ScriptedTurn) => object[] | undefined;

/** A turn that a test plays on. */
export interface ScriptedTurn {
  wire: Wire;
  params: Message['params'];
  /** Sends events. */
  send(...events: object[]): void;
}

/** A daemon with one attached agent, `echo`, and one that is known only, `sleepy`. */
export class TestDaemon {
  readonly broker: ScriptedBroker;
  readonly chats: Message['params'][] = [];
  readonly cancels: Message['params'][] = [];
  readonly requests: [method: string, params: Message['params']][] = [];
  answer: Answer = (prompt) => [token(prompt), done()];
  upserted: object = { spec: { id: 'new' }, token: 'fresh-token' };
  /** The tools that hosts have registered. */
  readonly offered: { name: string }[] = [];
  wires: Wire[] = [];
  #turns = 0;

  private constructor(broker: ScriptedBroker) {
    this.broker = broker;
    void this.#accept();
  }

  static async start(): Promise<TestDaemon> {
    return new TestDaemon(await ScriptedBroker.start());
  }

  /** A terminal that finds this daemon. */
  io(): TestIo {
    return new TestIo({
      SWITCHBOARD_URL: this.broker.url,
      SWITCHBOARD_AUTH_TOKEN: 'good',
      SWITCHBOARD_HOST_TOKEN: 'boss',
    });
  }

  stop(): Promise<void> {
    return this.broker.stop();
  }

  async #accept(): Promise<void> {
    for (;;) {
      const wire = await this.broker.accept();
      this.wires.push(wire);
      void wire.serve({
        'session.auth': ({ token, host_token }) => {
          if (token !== 'good' && host_token !== 'boss') throw { code: -32603, message: 'auth failed: token mismatch' };
          return { ok: true, auth_enabled: true, ...(host_token ? { role: 'host' } : {}) };
        },
        'session.init': ({ tools = [] }) => {
          this.offered.push(...tools);
          return { session_id: 'c1', tools_registered: tools.length, policies_registered: 0 };
        },
        'host.approvals': () => ({ approvals: [] }),
        'host.agents': () => [],
        'agents.list': () => [row('echo', true), row('sleepy', false)],
        'agents.upsert': (params) => {
          this.requests.push(['agents.upsert', params]);
          return this.upserted;
        },
        'agents.remove': ({ id }) => ({ removed: id === 'echo' }),
        'agents.chat': (params) => this.#chat(wire, params),
        'agents.chat.cancel': (params) => {
          this.cancels.push(params);
          const turn = { session_id: params.session_id, turn_id: `t${this.#turns}` };
          const event = { ...turn, kind: 'done', finish_reason: 'cancelled' };
          setImmediate(() => wire.send({ method: 'agents.chat.event', params: event }));
          return { cancelled: true, session_id: params.session_id };
        },
      });
    }
  }

  #chat(wire: Wire, params: Message['params']): object {
    this.chats.push(params);
    if (params.agent_id !== 'echo') throw { code: -32011, message: 'agent not attached', data: {} };
    const turn = { session_id: params.session_id, turn_id: `t${++this.#turns}` };
    const send = (...events: object[]) => {
      wire.send(...events.map((event) => ({ method: 'agents.chat.event', params: { ...turn, ...event } })));
    };
    // After the ack, as the wire promises.
    setImmediate(() => send(...(this.answer(params.prompt, { wire, params, send }) ?? [])));
    return { accepted: true, ...turn };
  }
}

export const token = (delta: string) => ({ kind: 'token', delta });
export const done = (fields: object = {}) => ({ kind: 'done', finish_reason: 'stop', ...fields });

function row(id: string, attached: boolean): object {
  const spec = { id, name: `The ${id}\u001b[2J`, capabilities: ['a', 'b'], metadata: {} };
  return { spec, status: attached ? 'running' : 'stopped', attached, session_id: null, turns: 0 };
}
