import type { Link } from '../../../../broker.ts';
import type { Limits } from '../../../../protocol/limits.ts';
import { type Linked, settle, startLinked } from '../../../support/linked.ts';
import { INNOCENT } from '../neighbours/innocents.ts';

/** So many of a kind are kept. */
export const FEW = 10;
/** What is kept of each kind is soon as much as may be kept: what grows on then has no bound. */
const SMALL: Partial<Limits> = {
  requestsPerSecond: 1e9,
  requestBurst: 1e9,
  maxAuthFailures: 1e9,
  keptEvents: FEW,
  keptApprovals: FEW,
  maxPendingApprovals: FEW,
  maxSurfaces: FEW,
  maxFacts: FEW,
  keptMeetings: FEW,
  maxAgents: FEW,
  maxKeys: FEW,
  maxPrincipalGoals: FEW,
  maxRegisteredAgents: FEW,
  maxToolsPerConnection: FEW,
  keptEndedTurns: FEW,
  maxDetachedTurns: FEW,
};
/** So many names, and then a second goes by. */
const AT_ONCE = 250;

export type Role = 'host' | 'manager' | 'agent';

/** Somebody of each role, who say as many names as they want to, and keep nothing of what they hear. */
export class NamingCrowd {
  readonly linked: Linked;
  readonly #links: Record<Role, Link>;
  /** Answers that they have had, results and errors. */
  readonly heard = { results: 0, errors: 0 };
  /** Connections that were closed. */
  closed = 0;

  private constructor(linked: Linked, links: Record<Role, Link>) {
    this.linked = linked;
    this.#links = links;
  }

  static async start(): Promise<NamingCrowd> {
    const linked = startLinked({ limits: SMALL, inspect: true });
    const { broker } = linked;
    const { token } = broker.upsertAgent({
      id: INNOCENT,
      rotate_token: true,
      capabilities: ['voice.transcribe', 'voice.speak'],
    });
    const crowd = new NamingCrowd(linked, {
      host: broker.connect(),
      manager: broker.connect(),
      agent: broker.connect(),
    });
    crowd.#open('host', { token: broker.tokens.daemon });
    crowd.#open('manager', { host_token: broker.tokens.host });
    crowd.#open('agent', { agent_id: INNOCENT, token });
    await settle();
    for (const role of ['host', 'manager'] as const) {
      crowd.write(role, { id: 0, method: 'server.handshake', params: { protocol_version: 3 } });
      crowd.write(role, { id: 0, method: 'host.subscribe', params: {} });
    }
    crowd.write('host', { id: 0, method: 'a2ui/subscribe', params: {} });
    crowd.write('host', { id: 0, method: 'inspect.subscribe', params: {} });
    crowd.write('host', { id: 0, method: 'tools.register', params: [{ name: 'x' }] });
    await crowd.#turn();
    return crowd;
  }

  write(role: Role, message: object | string): void {
    this.#links[role].send(typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** One name after the other. A second goes by between some and the next. */
  async say(count: number, one: (i: number) => void): Promise<void> {
    for (let done = 0; done < count; ) {
      for (const until = Math.min(count, done + AT_ONCE); done < until; done += 1) one(done);
      await settle();
      await this.#turn();
      await this.linked.advance(1_000);
    }
  }

  /** A turn that is live, in the session that whoever fills in a shape by itself names. */
  async #turn(): Promise<void> {
    this.write('host', { id: 0, method: 'agents.chat', params: { agent_id: INNOCENT, prompt: 'x', session_id: 'x' } });
    await settle();
  }

  #open(role: Role, auth: object): void {
    this.#links[role].open({
      text: (text) => {
        if (text.includes('"result":')) this.heard.results += 1;
        else if (text.includes('"error":')) this.heard.errors += 1;
        if (text.includes('"method":"agent.chat"') || text.includes('"method":"tools.execute"'))
          this.#accept(role, text);
      },
      binary: () => {},
      closed: () => {
        this.closed += 1;
      },
    });
    this.write(role, { id: 0, method: 'session.auth', params: auth });
  }

  #accept(role: Role, text: string): void {
    const { id, method, params } = JSON.parse(text);
    this.write(role, { id, result: { accepted: true } });
    if (method !== 'agent.chat' || params.session_id === 'x') return;
    this.write(role, {
      method: 'agent.chat.event',
      params: { session_id: params.session_id, turn_id: params.turn_id, kind: 'done', finish_reason: 'stop' },
    });
  }
}
