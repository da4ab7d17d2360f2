import { describe, expect, it } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, assign } from 'xstate';
import { AGENTS } from '../../actors/connection/agent-registry.ts';
import { type BrokerEvent, type BrokerFacts, brokerMachine } from '../../machines/broker.machine.ts';
import { linkedPair } from '../../transport/linked-pair.ts';
import { type Internals, StubbornLink, startInternals } from '../support/internals.ts';
import { LinkedClient, settle } from '../support/linked.ts';
import { heldBy, watchActors } from './support/actors-left.ts';
import { Coverage, delaysIn, type Play, playWalk, walksOf } from './support/chart-walks.ts';
import { Listener } from './support/listener.ts';

/* Every transition of the root's chart, at the end of the shortest walk to it, against the real broker. */

const DRAIN_MS = 5_000;
const CLOSE_MS = 2_000;
/** Less than what closing takes; four of them, after which a turn is stale, are more than draining takes. */
const SWEEP_MS = 1_900;

const from = {} as never;
const events = {
  'somebody connects': { type: 'link.opened', link: from },
  'an agent comes': { type: 'client.identified', from },
  'the agent goes': { type: 'client.gone', from },
  'a chat': { type: 'rpc.request', from, id: 1, method: 'agents.chat', params: {} },
  'a request': { type: 'rpc.request', from, id: 1, method: 'tools.list', params: {} },
  'a token': { type: 'chat.event', from, params: { session_id: 's', kind: 'token' }, bytes: 1 },
  'the turn ends': { type: 'child.done', id: 't' },
  'a sweep': { type: 'sweep' },
  drain: { type: 'broker.drain' },
} as const satisfies Record<string, BrokerEvent>;
type Name = keyof typeof events;
const names = Object.keys(events) as Name[];

interface Facts extends BrokerFacts {
  hasAgent: boolean;
  /** A client that does not answer a close frame. */
  isStubborn: boolean;
}
const factsOf = ({ context }: AnyMachineSnapshot) => context.broker as Facts;
type Change = (facts: Facts) => Partial<Facts>;
const note = (change: Change) => assign(({ context: { broker } }) => ({ broker: { ...broker, ...change(broker) } }));
/** The chart itself; its actions do nothing but note what they would have changed. */
const chart = (brokerMachine as AnyStateMachine).provide({
  actions: {
    attachAgent: note(() => ({ hasAgent: true })),
    endTurnsOfClient: note(() => ({ hasAgent: false, turnCount: 0 })),
    forgetChild: note(() => ({ turnCount: 0 })),
    endAllTurns: note(() => ({ turnCount: 0 })),
    // Whoever answers is gone at once.
    closeConnections: note(({ isStubborn }) => ({ connectionCount: isStubborn ? 1 : 0, hasAgent: false })),
    cutConnections: note(() => ({ connectionCount: 0 })),
  },
}) as AnyStateMachine;

function canHappen(name: Name, state: string, { turnCount, hasAgent }: Facts): boolean {
  if (state === 'closing') return name === 'somebody connects' || name === 'a sweep';
  if (name === 'the turn ends') return turnCount > 0;
  return hasAgent || (name !== 'the agent goes' && name !== 'a token');
}

class BrokerPlay implements Play<BrokerEvent> {
  readonly #broker: Internals;
  readonly #actorsLeft: () => string[];
  readonly #host: Listener;
  readonly #agent: LinkedClient;
  readonly #stubborn: StubbornLink | undefined;
  readonly #strangers: LinkedClient[];
  #isStopped = false;
  /** How many of them have said so since. */
  #late = 0;

  private constructor(broker: Internals, actors: () => string[], host: Listener, agent: LinkedClient, facts: Facts) {
    this.#broker = broker;
    this.#actorsLeft = actors;
    this.#host = host;
    this.#agent = agent;
    // They have not said who they are.
    this.#strangers = [broker.connect(), broker.connect(), broker.connect()];
    if (facts.isStubborn) {
      this.#stubborn = new StubbornLink();
      broker.open(this.#stubborn);
    }
  }

  static async start(facts: Facts, coverage: Coverage): Promise<BrokerPlay> {
    const limits = { agentWaitMs: 0, drainTimeoutMs: DRAIN_MS, authTimeoutMs: 60_000, staleAfterMs: 4 * SWEEP_MS };
    const broker = startInternals({ limits });
    broker.inspect(coverage.see);
    const actorsLeft = watchActors(broker);
    const host = new Listener('host', await broker.host());
    const agent = await broker.agent('echo');
    if (facts.turnCount > 0) {
      host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
      await settle();
      agent.answer(agent.lastChat(), { accepted: true });
      await settle();
      host.read();
    }
    return new BrokerPlay(broker, actorsLeft, host, agent, facts);
  }

  async happen(event: BrokerEvent): Promise<void> {
    const { clock, root } = this.#broker;
    if (event === events['somebody connects']) this.#strangers.push(this.#connect());
    else if (event === events['an agent comes']) {
      const { token } = this.#broker.state.get(AGENTS).upsert({ id: 'late', rotate_token: true });
      this.#strangers[this.#late]?.post('session.auth', { agent_id: 'late', token });
      this.#late += 1;
    } else if (event === events['the agent goes']) this.#agent.close();
    else if (event === events['a chat']) await this.#chat();
    else if (event === events['a request']) this.#host.post('tools.list');
    else if (event === events['a token']) this.#agent.emit('s', { kind: 'token', delta: 'a' });
    else if (event === events['the turn ends']) this.#agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    else if (event === events['a sweep']) clock.increment(SWEEP_MS);
    else if (event === events.drain) root.send(events.drain);
    else clock.increment(event.type.includes('drainTimeout') ? DRAIN_MS : CLOSE_MS);
    await settle();
  }

  async check(state: string): Promise<void> {
    const { client, watch } = this.#host;
    this.#isStopped = state === 'stopped';
    if (state === 'accepting') expect(await this.#chat()).toBe(-32011);
    if (state === 'draining') {
      expect(await this.#chat()).toBe(-32021);
      // It stays for the turn's sake.
      expect(watch.open).toHaveLength(1);
    }
    const isClosing = state === 'closing' || state === 'stopped';
    this.#host.read();
    expect(client.closed).toBe(isClosing ? 1001 : undefined);
    expect(this.#host.unanswered).toEqual([]);
    if (isClosing) expect(watch.open).toEqual([]);
    if (this.#stubborn) {
      expect(this.#stubborn.closeCode).toBe(isClosing ? 1001 : undefined);
      expect(this.#stubborn.isCut).toBe(state === 'stopped');
    }
    if (state !== 'accepting') expect(await this.#isRefused()).toBe(true);
  }

  async finish(): Promise<void> {
    for (const client of [this.#host.client, this.#agent, ...this.#strangers]) client.close();
    this.#stubborn?.terminate();
    await settle();
    this.#host.read();
    this.#broker.clock.increment(60_000);
    await settle();
    expect(heldBy(this.#broker)).toEqual({});
    expect(this.#actorsLeft()).toEqual([]);
  }

  #connect(): LinkedClient {
    const [near, far] = linkedPair();
    // A stopped actor hears nothing any more: then it is createBroker() that says so.
    if (this.#isStopped) far.close(1001, '');
    else this.#broker.open(far);
    return new LinkedClient(near);
  }

  async #isRefused(): Promise<boolean> {
    const stranger = this.#connect();
    await settle();
    return stranger.closed === 1001;
  }

  /** The error that a chat with an agent gets that nobody knows. */
  async #chat(): Promise<number> {
    const id = this.#host.post('agents.chat', { agent_id: 'nobody', prompt: 'hi', session_id: 'other' });
    await settle();
    return this.#host.replyTo(id)?.error.code;
  }
}

/** What passes for streams of voice changes no state: test/broker/voice/voice-laws.test.ts. */
const OF_VOICE = / › voice\.(audio|event)$/;

describe('the chart of the broker', () => {
  const coverage = new Coverage();

  it.each([
    ['with a turn', 1, false],
    ['with nothing to do', 0, false],
    ['with a turn, and a client that answers no close', 1, true],
    ['with a client that answers no close', 0, true],
  ])('holds on every walk of one %s', { timeout: 120_000 }, async (_what, turnCount, isStubborn) => {
    const facts: Facts = {
      turnCount,
      isHeld: false,
      isLast: false,
      connectionCount: 1,
      drainTimeoutMs: DRAIN_MS,
      closeTimeoutMs: CLOSE_MS,
      hasAgent: true,
      isStubborn,
    };
    const walks = walksOf<BrokerEvent>(chart, {
      input: { broker: facts },
      events: (snapshot) => [
        ...names
          .filter((name) => canHappen(name, String(snapshot.value), factsOf(snapshot)))
          .map((name) => events[name]),
        ...delaysIn(snapshot).map((type) => ({ type }) as BrokerEvent),
      ],
      name: (event) => names.find((name) => events[name] === event) ?? event.type,
      facts: (snapshot) => JSON.stringify(factsOf(snapshot)),
    });
    for (const walk of walks) await playWalk(walk, () => BrokerPlay.start(facts, coverage));
  });

  it('has no other transitions than those, but what no client can bring about', () => {
    const missing = coverage.missing(brokerMachine).filter((way) => !OF_VOICE.test(way));
    expect(missing).toEqual([
      // A fault of ours: test/broker/turns/laws-isolation.test.ts.
      'accepting › child.failed',
      // Every connection has been told to close, and hears nothing more.
      'closing › chat.event',
      'closing › child.failed',
      'closing › client.identified',
      // Of several brokers: test/broker/cluster/stopping.test.ts.
      'draining › after drainTimeout if isLast',
      'draining › child.failed',
      'draining › link.opened if isGuest',
    ]);
  });
});
