import { type AnyActorRef, type AnyMachineSnapshot, type InspectionEvent, SimulatedClock } from 'xstate';
import type { ApprovalPolicy } from '../../actors/approvals/gate.ts';
import { createKernel, startBroker } from '../../actors/broker.ts';
import { AgentRegistry } from '../../actors/connection/agent-registry.ts';
import { type AgentStore, memoryAgentStore } from '../../actors/connection/agent-store.ts';
import type { AuthFunction } from '../../actors/connection/auth-function.ts';
import { Authenticator } from '../../actors/connection/authenticator.ts';
import { KeyRing } from '../../actors/connection/key-ring.ts';
import { memoryKeyStore } from '../../actors/connection/key-store.ts';
import type { Client } from '../../actors/kernel/client.ts';
import type { BrokerClock } from '../../actors/kernel/deadlines.ts';
import { type Logger, silentLog } from '../../actors/kernel/log.ts';
import type { Turn } from '../../actors/turns/turn-record.ts';
import { TURNS } from '../../actors/turns/turns.ts';
import type { LocalVoice } from '../../actors/voice/local-provider.ts';
import type { Link, LinkHandlers } from '../../broker.ts';
import type { Identity } from '../../machines/connection.machine.ts';
import { RankedMemory } from '../../memory/ranked-memory.ts';
import { type A2aClient, A2aError } from '../../protocol/a2a-client.ts';
import { upsertParams } from '../../protocol/agents.ts';
import type { JwtVerifier } from '../../protocol/jwt.ts';
import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.ts';
import type { Memory } from '../../protocol/memory-provider.ts';
import { parseParams } from '../../protocol/params.ts';
import type { SharedLimits } from '../../protocol/shared-limits.ts';
import { type Token, tokenText } from '../../protocol/token.ts';
import { linkedPair } from '../../transport/linked-pair.ts';
import { clientsOf, type LinkedClient } from './linked.ts';

/** A broker as `createBroker()` makes it, but with its actors and records in the test's reach. */
export function startInternals(
  options: {
    auth?: boolean | AuthFunction;
    limits?: Partial<Limits>;
    sharedLimits?: SharedLimits;
    log?: Logger;
    agentStore?: AgentStore;
    approvals?: ApprovalPolicy;
    inspect?: boolean;
    memory?: Memory;
    a2a?: A2aClient;
    /** Proves JWTs. */
    jwts?: JwtVerifier | undefined;
    voice?: LocalVoice | undefined;
  } = {},
) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const clock = new SimulatedClock();
  const tokens = { daemon: 'daemon-token', host: 'host-token' };
  const agents = new AgentRegistry(options.agentStore ?? memoryAgentStore());
  const keys = new KeyRing(memoryKeyStore(), () => clock.now());
  const { kernel: state } = createKernel(
    {
      version: '0',
      clock: clock as BrokerClock,
      log: options.log ?? silentLog,
      limits,
      sharedLimits: options.sharedLimits,
      agents,
      keys,
      auth: new Authenticator({
        enabled: options.auth !== false,
        ask: typeof options.auth === 'function' ? options.auth : undefined,
        tokens,
        agents,
        keys,
        jwts: options.jwts,
      }),
    },
    {
      approvals: options.approvals,
      inspect: options.inspect,
      voice: options.voice,
      memory: options.memory ?? new RankedMemory(limits),
      connectInside: (who) => connect(who),
      a2a: options.a2a ?? { send: () => Promise.reject(new A2aError('unreachable', 'there is no A2A client')) },
    },
  );
  const root: AnyActorRef = startBroker(state);
  const open = (link: Link, identity?: Identity) =>
    root.send({ type: 'link.opened', link, ...(identity ? { identity } : {}) });
  const connect = (identity?: Identity): Link => {
    const [near, far] = linkedPair();
    open(far, identity);
    return near;
  };
  const upsertAgent = (params: { id: string }) => agents.upsert(parseParams(upsertParams, params));
  return {
    state,
    root,
    /** Gives the broker a connection of the test's making. */
    open,
    ...clientsOf({ connect, tokens, upsertAgent }, clock),
    tokens,
    /** The record of a live turn. */
    turn(sessionId: string): Turn {
      const turn = state.get(TURNS).sessions.live(sessionId);
      if (!turn) throw new Error(`no turn in ${sessionId}`);
      return turn;
    },
    /** The record of the connection that an agent is on. */
    attached(agentId: string): Client {
      const client = state.attached.get(agentId);
      if (!client) throw new Error(`${agentId} is not attached`);
      return client;
    },
    /** The record of a host's connection: that of the turn in this session. */
    hostOf(sessionId: string): Client {
      const { host } = this.turn(sessionId);
      if (!host) throw new Error(`the turn in ${sessionId} is detached`);
      return host;
    },
    /** Has every inspection event go to `see`, until the function that it gives is called. */
    inspect(see: (event: InspectionEvent) => void): () => void {
      const { unsubscribe } = root.system.inspect(see);
      return unsubscribe;
    },
  };
}

/** What {@link startInternals} gives. */
export type Internals = ReturnType<typeof startInternals>;

/** A link that never answers a close, and delivers whatever the test says whenever it says so. */
export class StubbornLink implements Link {
  readonly kind = 'memory';
  /** What it claims to wait for its reader. */
  waitingBytes = 0;
  readonly sent: string[] = [];
  handlers: LinkHandlers | undefined;
  closeCode: number | undefined;
  isCut = false;

  open(handlers: LinkHandlers): void {
    this.handlers = handlers;
  }
  send(text: string): void {
    this.sent.push(text);
  }
  sendPartial(text: string): void {
    this.send(text);
  }
  sendBinary(): void {}
  sendToken(token: Token): void {
    this.send(tokenText(token));
  }
  close(code: number): void {
    this.closeCode = code;
  }
  terminate(): void {
    this.isCut = true;
    this.handlers?.closed(1006);
  }
  /** One frame from the peer. */
  deliver(message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.handlers?.text(text, text.length);
  }
}

/** Makes `object[key]` throw, when it is called, read or written: something that nobody thought of. */
export function poison<T extends object>(object: T, key: keyof T): void {
  const fail = () => {
    throw new Error(`poisoned: ${String(key)}`);
  };
  if (typeof object[key] === 'function') Object.defineProperty(object, key, { configurable: true, value: fail });
  else Object.defineProperty(object, key, { configurable: true, get: fail, set: fail });
}

/** Where the chart of an actor stands. */
export const snapshotOf = (actor: unknown): AnyMachineSnapshot => (actor as AnyActorRef).getSnapshot();

/**
 * The types of the events that the charts of these actors look for a transition for, from now on. A chart keeps each
 * such type for ever; what is handled off the chart is not among them.
 */
export function watchCharts(actors: readonly unknown[]): Set<string> {
  const seen = new Set<string>();
  for (const machine of new Set(actors.map((actor) => snapshotOf(actor).machine))) {
    const look = machine.getTransitionData;
    machine.getTransitionData = (snapshot, event) => {
      seen.add(event.type);
      return look.call(machine, snapshot, event);
    };
  }
  return seen;
}

/** What a client received as a host in one session, in short. */
export const kinds = (host: LinkedClient, sessionId: string): string[] =>
  host.events(sessionId).map((event) => (event.code ? `${event.kind} ${event.code}` : event.kind));
