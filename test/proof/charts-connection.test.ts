import { describe, expect, it } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, assign, SimulatedClock } from 'xstate';
import { AGENTS } from '../../actors/connection/agent-registry.ts';
import type { AuthAnswer } from '../../actors/connection/auth-function.ts';
import { silentLog } from '../../actors/kernel/log.ts';
import { Verifier } from '../../jwt/verifier.ts';
import { type ConnectionEvent, connectionMachine } from '../../machines/connection.machine.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import { LOCAL } from '../../protocol/principal.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/jwt.ts';
import { type LinkedClient, type Message, openChat, settle } from '../support/linked.ts';
import { subscribe } from '../support/tool-scene.ts';
import { Coverage, type Play, playWalk, walksOf } from './support/chart-walks.ts';
import { type LaggingLink, laggingPair } from './support/lagging-link.ts';
import type { Listener } from './support/listener.ts';
import { Stage } from './support/stage.ts';

/* Every transition of a connection's chart, at the end of the shortest walk to it, against the real broker. */

const AUTH_MS = 5_000;
const FLOOD = 250;

/** What a connection lives through. A connection is told more than it hears; so several are one event's consequences. */
const events = {
  'right token': { type: 'auth.granted', id: 1, identity: { role: 'agent', principal: LOCAL } },
  'unknown token': { type: 'auth.asked' },
  'wrong token': { type: 'auth.refused', id: 1 },
  'no key for it': { type: 'auth.unjudged', id: 1, why: 'jwks' },
  'bad auth': { type: 'rpc.request', id: 1, method: 'session.auth', params: {} },
  request: { type: 'rpc.request', id: 1, method: 'tools.list', params: {} },
  notification: { type: 'rpc.notification', method: 'tools.progress', params: {} },
  garbage: { type: 'rpc.bad', id: null, error: {} as never },
  'an event': { type: 'chat.event', params: { session_id: 'x', kind: 'token' }, bytes: 1 },
  answer: { type: 'rpc.response', id: 1, result: {} },
  'gets a reply': { type: 'rpc.reply', id: 1, result: {} },
  'gets an error': { type: 'rpc.fail', id: 1, error: {} as never },
  "gets a tool's error": { type: 'rpc.relay', id: 1, answer: { error: {} } },
  'gets a request': { type: 'rpc.call', id: 1, method: 'agent.chat', params: {} },
  'gets a notification': { type: 'rpc.notify', method: 'host.event', params: {} },
  'gets a chat event': { type: 'chat.deliver', params: {} },
  'gets a logged event': { type: 'chat.frame', text: '' },
  'gets a token': { type: 'chat.token', token: {} as never },
  'too late': { type: 'auth.expired' },
  'a binary frame': { type: 'connection.close', code: 1003 },
  'too slow': { type: 'link.overrun' },
  'socket closes': { type: 'link.closed', code: 1000 },
} as const satisfies Record<string, ConnectionEvent>;
type Name = keyof typeof events;
const names = Object.keys(events) as Name[];

interface Facts {
  id: string;
  needsAuth: boolean;
  authFailures: number;
  maxAuthFailures: number;
}
const factsOf = ({ context }: AnyMachineSnapshot) => context.client as Facts;
/** The chart itself; its actions do nothing but note what they would have changed. */
const chart = (connectionMachine as AnyStateMachine).provide({
  actions: {
    countFailure: assign(({ context: { client } }) => ({
      client: { ...client, authFailures: client.authFailures + 1 },
    })),
  },
}) as AnyStateMachine;

/** Far from every state's own code, and from 1006. */
const CLOSED_BY_PEER = 1000;

/** What the broker of a walk goes by. */
interface How {
  needsAuth: boolean;
  isAsked: boolean;
  /** What the function is asked about is a JWT, and the issuer's key is of no use. */
  isJwt?: boolean;
}

/** An embedder's function that takes its time. */
class Doorman {
  #answer: ((answer: AuthAnswer) => void) | undefined;

  readonly auth = (): Promise<AuthAnswer> =>
    new Promise((resolve) => {
      this.#answer = resolve;
    });

  /** Resolves once there is a question: other threads look at a JWT before. */
  async asked(): Promise<void> {
    while (!this.#answer) await settle();
  }

  answer(answer: AuthAnswer): void {
    this.#answer?.(answer);
    this.#answer = undefined;
  }
}

/** An issuer with a key that cannot be used, and a token that names it. */
async function useless() {
  const idp = await Issuer.create();
  const [key] = idp.jwks.keys;
  const jwks = { keys: [{ ...key, x: 'AAAA' }] } as typeof idp.jwks;
  const world = { limits: DEFAULT_LIMITS, wallNow: () => 0, clock: new SimulatedClock(), log: silentLog };
  const jwts = new Verifier({ issuer: ISSUER, audience: AUDIENCE, jwks }, world);
  return { jwt: await idp.token(), options: { jwts } };
}

class ConnectionPlay implements Play<ConnectionEvent> {
  readonly #stage: Stage;
  readonly #link: LaggingLink;
  readonly #subject: Listener;
  readonly #token: string;
  readonly #helper: LinkedClient;
  readonly #doorman: Doorman;
  readonly #jwt: string | undefined;
  #closeCode: number | undefined;
  #chats = 0;
  #state = '';
  #isNamed = false;
  #isReady = false;

  private constructor(
    stage: Stage,
    link: LaggingLink,
    subject: Listener,
    token: string,
    helper: LinkedClient,
    asked: Doorman,
    jwt: string | undefined,
  ) {
    this.#stage = stage;
    this.#link = link;
    this.#subject = subject;
    this.#token = token;
    this.#helper = helper;
    this.#doorman = asked;
    this.#jwt = jwt;
  }

  static async start(how: How, coverage: Coverage): Promise<ConnectionPlay> {
    const asked = new Doorman();
    const auth = how.isAsked ? asked.auth : how.needsAuth;
    const issuer = how.isJwt ? await useless() : undefined;
    const stage = await Stage.open({ auth, limits: { authTimeoutMs: AUTH_MS }, ...issuer?.options }, coverage);
    const { broker } = stage;
    // Host of the subject's own turns, and the agent that it talks to itself.
    const helper = (await stage.agent('helper')).client;
    await helper.ok('tools.register', [{ name: 'clock' }]);
    const { token = '' } = broker.state.get(AGENTS).upsert({ id: 'subject', rotate_token: true });
    const { client, link } = laggingPair(broker.open);
    return new ConnectionPlay(stage, link, stage.add('subject', client), token, helper, asked, issuer?.jwt);
  }

  async happen(event: ConnectionEvent): Promise<void> {
    const name = names.find((each) => events[each] === event);
    await this.#cause(name ?? 'request');
    await settle();
  }

  async #cause(name: Name): Promise<unknown> {
    const { client } = this.#subject;
    switch (name) {
      case 'right token':
        this.#isNamed = true;
        if (this.#state === 'deciding') return this.#doorman.answer({ agentId: 'subject' });
        return this.#subject.post('session.auth', { agent_id: 'subject', token: this.#token });
      case 'unknown token':
        if (this.#jwt === undefined)
          return this.#subject.post('session.auth', { agent_id: 'subject', token: 'of somebody' });
        this.#subject.post('session.auth', { agent_id: 'subject', jwt: this.#jwt });
        return this.#doorman.asked();
      case 'no key for it':
        this.#doorman.answer(undefined);
        await settle();
        return expect(this.#subject.client.frames.at(-1)?.error).toMatchObject({ code: -32020 });
      case 'wrong token': {
        if (this.#state === 'deciding') return this.#doorman.answer(undefined);
        const id = this.#subject.post('session.auth', { agent_id: 'subject', token: 'guessed' });
        await settle();
        return expect(this.#subject.replyTo(id).error.message).toContain('token mismatch');
      }
      case 'bad auth': {
        const id = this.#subject.post('session.auth', { token: 7 });
        await settle();
        return expect(this.#subject.replyTo(id).error.code).toBeLessThan(0);
      }
      case 'request':
      case 'gets a reply':
        return this.#subject.post('tools.list');
      case 'gets an error':
        return this.#isReady ? this.#subject.post('no.such.method') : this.#flood();
      case 'notification':
        return client.notify('tools.progress', { request_id: 'cb-0' });
      case 'garbage':
        return client.send('{');
      case 'an event':
        return client.emit('nobody', { kind: 'token', delta: 'a' });
      case 'answer':
        return client.send({ jsonrpc: '2.0', id: 'never-asked', result: {} });
      case "gets a tool's error":
        return this.#useTool();
      case 'gets a request':
        return openChat(this.#helper, client, { agent_id: 'subject', session_id: this.#session() });
      case 'gets a notification':
        await subscribe(client);
        return this.#helper.ok('host.notify', { message: 'hi' });
      case 'gets a chat event':
        return this.#hear({}, { kind: 'mood' });
      case 'gets a logged event':
        return this.#hear({ resume_window_ms: 1_000 }, { kind: 'mood' });
      case 'gets a token':
        return this.#hear({}, { kind: 'token', delta: 'a' });
      case 'too late':
        this.#closeCode = 4401;
        return this.#stage.advance(AUTH_MS + 20);
      case 'a binary frame':
        return this.#state === 'deciding' ? this.#sendTooMuch() : this.#sendBinary();
      case 'too slow':
        this.#closeCode = 4413;
        return this.#link.overrun();
      case 'socket closes':
        if (client.closed === undefined) this.#closeCode = CLOSED_BY_PEER;
        return client.close();
    }
  }

  async check(state: string): Promise<void> {
    this.#state = state;
    this.#isReady = state === 'ready';
    this.#stage.check();
    const { client } = this.#subject;
    const agents: Message[] = await this.#helper.ok('agents.list');
    const isAttached = agents.find(({ spec }) => spec.id === 'subject')?.attached;
    expect(isAttached).toBe(state === 'ready' && this.#isNamed);
    if (['authenticating', 'deciding', 'ready'].includes(state)) expect(client.closed).toBeUndefined();
    // A linked pair agrees to a close at once; what the chart is in then is over before anybody can look.
    else expect(client.closed).toBe(this.#closeCode ?? 4401);
    if (state === 'ready') expect(this.#subject.unanswered).toEqual([]);
  }

  async finish(state: string): Promise<void> {
    await this.check(state);
    await this.#stage.end();
  }

  #session(): string {
    this.#chats += 1;
    return `s${this.#chats}`;
  }

  async #useTool(): Promise<void> {
    const { client } = this.#subject;
    const session = this.#session();
    await openChat(this.#helper, client, { agent_id: 'subject', session_id: session });
    // The helper is somebody else: an agent knows the sessions of others by names of its own.
    const { session_id } = client.lastChat().params;
    const id = this.#subject.post('tools.execute', { session_id, tool: 'clock', parameters: {} });
    await settle();
    const asked = this.#helper.received('tools.execute').at(-1);
    this.#helper.send({ jsonrpc: '2.0', id: asked.id, error: { code: 7, message: 'no' } });
    await settle();
    expect(this.#subject.replyTo(id).error).toEqual({ code: 7, message: 'no' });
  }

  /** As the host of a chat of its own. */
  async #hear(chat: object, event: object): Promise<void> {
    const session = this.#session();
    this.#subject.post('agents.chat', { agent_id: 'helper', prompt: 'hi', session_id: session, ...chat });
    await settle();
    const asked = this.#helper.lastChat();
    this.#helper.answer(asked, { accepted: true });
    this.#helper.emit(asked.params.session_id, event);
    await settle();
    expect(this.#subject.client.events(session)).toMatchObject([event]);
  }

  /** More than anybody has to say who has not said who they are. */
  async #flood(): Promise<void> {
    const ids = Array.from({ length: FLOOD }, () => this.#subject.post('session.auth', { token: 7 }));
    await settle();
    expect(this.#subject.replyTo(ids.at(-1) ?? 0).error.code).toBe(-32020);
  }

  /** More than waits for a decision. */
  #sendTooMuch(): void {
    this.#closeCode = 4401;
    this.#subject.client.send('x'.repeat(70_000));
  }

  #sendBinary(): void {
    this.#closeCode = 1003;
    this.#link.binary();
  }
}

/** What passes for streams of voice changes no state: test/machines/connection.machine.test.ts. */
const OF_VOICE = / › (audio\.deliver|voice\.(audio|event|deliver))$/;

describe('the chart of a connection', () => {
  const coverage = new Coverage();
  const facts: Facts = { id: 'c', needsAuth: true, authFailures: 0, maxAuthFailures: 5 };

  it.each([
    ['has to authenticate', { needsAuth: true, isAsked: false }],
    ["has to, and an embedder's function is asked", { needsAuth: true, isAsked: true }],
    ["has to, by a JWT for which the issuer's key is of no use", { needsAuth: true, isAsked: true, isJwt: true }],
    ['need not authenticate', { needsAuth: false, isAsked: false }],
  ])('holds on every walk of one that %s', { timeout: 120_000 }, async (_what, how) => {
    const walks = walksOf<ConnectionEvent>(chart, {
      input: { client: { ...facts, needsAuth: how.needsAuth } },
      // Closed by either side, the pair is closed: there is no time in between.
      events: ({ value }) => names.filter((name) => canHappen(name, String(value), how)).map((name) => events[name]),
      name: (event) => names.find((name) => events[name] === event) ?? '',
      facts: (snapshot) => String(factsOf(snapshot).authFailures),
    });
    for (const walk of walks) await playWalk(walk, () => ConnectionPlay.start(how, coverage));
  });

  it('has no other transitions than those', () => {
    expect(coverage.missing(connectionMachine).filter((way) => !OF_VOICE.test(way))).toEqual([]);
  });
});

/** Whatever else comes meanwhile waits until it is decided: test/broker/connection/auth-function.test.ts. */
const OF_DECIDING: ReadonlySet<Name> = new Set([
  ...([
    'right token',
    'wrong token',
    'no key for it',
    'too late',
    'a binary frame',
    'too slow',
    'socket closes',
  ] as const),
]);

function canHappen(name: Name, state: string, { needsAuth, isAsked, isJwt = false }: How): boolean {
  if (name === 'no key for it') return state === 'deciding' && isJwt;
  // Of that one nobody can say that it is wrong.
  if (name === 'wrong token' && isJwt) return false;
  if (name === 'unknown token') return state === 'authenticating' && isAsked;
  if (state === 'deciding') return OF_DECIDING.has(name);
  // Asked, every wrong one comes by way of the question.
  if (name === 'wrong token' && isAsked) return false;
  if (name === 'gets an error' && state === 'authenticating') return true;
  if (name.startsWith('gets ')) return state === 'ready' && needsAuth;
  if (name === 'right token') return state === 'authenticating' || !needsAuth;
  return !(state === 'ready' && (name === 'wrong token' || name === 'too late'));
}
