import { type AnyActorRef, createActor } from 'xstate';
import {
  type BrokerEvent,
  type BrokerFacts,
  brokerHotEvents,
  createBrokerMachine,
  type FamilyEvent,
} from '../machines/broker.machine.ts';
import { withEffects } from '../machines/effects.ts';
import type { AuditTrail } from '../protocol/audit.ts';
import { chatParams } from '../protocol/chat.ts';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import { WireError } from '../protocol/errors.ts';
import type { Limits } from '../protocol/limits.ts';
import { isGuest } from '../protocol/link.ts';
import { parseParams } from '../protocol/params.ts';
import type { Durable } from '../protocol/session.ts';
import type { SharedLimits } from '../protocol/shared-limits.ts';
import type { Telemetry } from '../protocol/telemetry.ts';
import { AGENTS, type AgentRegistry } from './connection/agent-registry.ts';
import { AUTH, type Authenticator } from './connection/authenticator.ts';
import { CONNECTION, connectionKind } from './connection/connection.ts';
import { openLink } from './connection/ingress.ts';
import { KEYS, type KeyRing } from './connection/key-ring.ts';
import { attachAgent, endClient, keepsOut, noteEntry, turnAway } from './connection/presence.ts';
import { type FamilyOptions, installFamilies } from './families.ts';
import { Client } from './kernel/client.ts';
import type { BrokerClock } from './kernel/deadlines.ts';
import { withFastPath } from './kernel/fast-path.ts';
import { Kernel } from './kernel/kernel.ts';
import type { Logger } from './kernel/log.ts';
import type { Metric } from './kernel/metric.ts';
import { RateLimit } from './kernel/rate-limit.ts';
import type { LimitBook } from './kernel/shared-limits.ts';
import { armSweep } from './kernel/sweep.ts';
import { tell } from './kernel/tell.ts';
import { createClientId } from './kernel/unique-ids.ts';
import { toWireError } from './kernel/wire-errors.ts';
import { checkXState } from './kernel/xstate-privates.ts';
import { DISPATCHER, Dispatcher } from './requests/dispatcher.ts';
import { handshake } from './requests/handshake.ts';
import { refresh } from './requests/refresh.ts';
import { reply } from './requests/reply.ts';
import { drainTurns, refuseQueued } from './turns/family.ts';
import { recoverTurns } from './turns/recovery.ts';
import { routeChatEvent } from './turns/routing.ts';
import { TURNS } from './turns/turns.ts';

interface BrokerHolds {
  broker: BrokerFacts;
  client: Client;
}
type BrokerHears = BrokerEvent<BrokerHolds>;
type EventOf<T extends BrokerHears['type']> = Extract<BrokerHears, { type: T }>;

/** How long the end waits for facts that are being written: well within what sockets have to answer the close frame. */
const ANSWERS_MS = 1_000;
/** How long sockets get to answer the close frame when the broker stops. */
const CLOSE_TIMEOUT_MS = 2_000;

/** The root chart with its effects. The families are installed before. */
function brokerLogic(kernel: Kernel) {
  const dispatcher = kernel.get(DISPATCHER);
  const { sessions } = kernel.get(TURNS);
  const { enabled: needsAuth } = kernel.get(AUTH);
  const connection = kernel.put(CONNECTION, connectionKind(kernel, dispatcher));

  const machine = withEffects(createBrokerMachine<BrokerHolds>(), {
    openConnection: ({ event }) => {
      const { link, identity } = event as EventOf<'link.opened'>;
      const { clock, limits } = kernel;
      const reached = identity && keepsOut(kernel, link, identity);
      if (reached) {
        turnAway(kernel, identity, reached);
        link.close(CloseCode.RateLimited, closeReason(CloseCode.RateLimited));
        return;
      }
      const client = new Client({
        id: createClientId(),
        link,
        needsAuth: needsAuth && !identity,
        identity,
        maxAuthFailures: limits.maxAuthFailures,
        connectedAt: clock.now(),
        rate: new RateLimit(limits.requestsPerSecond, limits.requestBurst, clock.now()),
      });
      // A guest's connection counts where it is.
      if (!isGuest(link)) kernel.counters.connections += 1;
      kernel.clients.set(client.id, client);
      kernel.children.start(connection, client.id, client, { client });
      openLink(kernel, client);
      if (identity) {
        kernel.shared.enter(client);
        noteEntry(kernel, client);
      }
      attachAgent(kernel, client);
      kernel.log.debug({ client: client.id, via: link.kind }, 'connection opened');
    },
    refuseConnection: ({ event }) => {
      const { link } = event as EventOf<'link.opened'>;
      link.close(CloseCode.GoingAway, closeReason(CloseCode.GoingAway));
    },
    attachAgent: ({ event }) => attachAgent(kernel, (event as EventOf<'client.identified'>).from),
    endTurnsOfClient: ({ event }) => endClient(kernel, (event as EventOf<'client.gone'>).from),
    route: ({ event }) => {
      const { from, id, method, params } = event as EventOf<'rpc.request'>;
      dispatcher.dispatch(kernel, from, id, method, params);
    },
    refuseAsDraining: ({ event }) => {
      const { from, id, params } = event as EventOf<'rpc.request'>;
      reply(kernel, from, id, { error: refusal(params) });
    },
    routeChatEvent: ({ event, self }) => routeChatEvent(kernel, sessions, event as EventOf<'chat.event'>, self),
    routeToFamily: ({ event, self }) => kernel.inbound.routes.get(event.type)?.(event as FamilyEvent, self),
    forgetChild: ({ event }) => kernel.children.done((event as EventOf<'child.done'>).id),
    buryChild: ({ event }) => {
      const { id, error } = event as EventOf<'child.failed'>;
      kernel.log.error({ err: error, actor: id }, 'an actor failed; it alone ends');
      kernel.children.failed(id);
    },
    sweep: () => {
      kernel.audit.noteFailures();
      kernel.shared.sweep(kernel.clock.now());
      kernel.hooks.sweep(kernel.clock.now());
    },
    dropQueuedChats: () => {
      kernel.isDraining = true;
      refuseQueued(kernel);
    },
    endAllTurns: () => drainTurns(kernel),
    closeConnections: () => {
      kernel.hooks.drain();
      afterAnswers(() => {
        for (const client of [...kernel.clients.values()]) {
          tell(kernel.ref, client.ref, { type: 'connection.close', code: CloseCode.GoingAway });
        }
      });
    },
    cutConnections: () => {
      for (const client of [...kernel.clients.values()]) client.link.terminate();
    },
    release: () => {
      kernel.deadlines.clear();
      kernel.onStopped();
    },
  });

  /** Runs `close` once what was asked of the families is answered, or takes too long. At once where nothing was. */
  function afterAnswers(close: () => void): void {
    const answers = kernel.hooks.answered();
    if (answers.length === 0) {
      close();
      return;
    }
    const deadline = kernel.deadlines.arm(ANSWERS_MS, close);
    void Promise.allSettled(answers).then(() => {
      kernel.deadlines.disarm(deadline);
      close();
    });
  }

  /** What a chat is told while draining. Parameters are checked before state (section 2). */
  function refusal(params: unknown): WireError {
    try {
      parseParams(chatParams, params);
      return WireError.draining();
    } catch (error) {
      return toWireError(kernel, 'agents.chat', error);
    }
  }

  const toVoiceEvent = kernel.inbound.routes.get('voice.event');
  const toAudio = kernel.inbound.routes.get('voice.audio');
  return withFastPath(machine, brokerHotEvents, {
    'chat.event': (_context, event, self) => routeChatEvent(kernel, sessions, event, self),
    'voice.event': (_context, event, self) => toVoiceEvent?.(event, self),
    'voice.audio': (_context, event, self) => toAudio?.(event, self),
  });
}

/** What a broker is made of, besides its families. */
export interface BrokerParts {
  version: string;
  clock: BrokerClock;
  /** See {@link WallClock}. */
  wallNow?: (() => number) | undefined;
  log: Logger;
  limits: Limits;
  /** See {@link LimitBook}. */
  sharedLimits?: SharedLimits | undefined;
  /** Tenants that `/metrics` names. Default: none. */
  metricsTenants?: readonly string[] | undefined;
  /** See {@link Kernel.audit}. */
  audit?: { trail: AuditTrail; isRequired: boolean } | undefined;
  /** See {@link Kernel.tracing}. */
  telemetry?: Telemetry | undefined;
  /** See {@link Kernel.epoch}. */
  epoch?: string | undefined;
  /** See {@link Kernel.brokerId}. */
  brokerId?: string | undefined;
  /** See {@link Kernel.durable}. */
  durable?: Durable | undefined;
  agents: AgentRegistry;
  keys: KeyRing;
  auth: Authenticator;
}

/** One broker's kernel with every family in it. Nothing runs yet. `metrics`: what the families have for `/metrics`. */
export function createKernel(parts: BrokerParts, options: FamilyOptions): { kernel: Kernel; metrics: Metric[] } {
  const kernel = new Kernel(parts);
  kernel.put(AGENTS, parts.agents);
  kernel.put(KEYS, parts.keys);
  kernel.put(AUTH, parts.auth);
  kernel.put(DISPATCHER, new Dispatcher({ 'server.handshake': handshake, 'session.refresh': refresh }));
  return { kernel, metrics: installFamilies(kernel, options) };
}

/** Makes and starts the root actor of one broker. */
export function startBroker(kernel: Kernel): AnyActorRef {
  const { byId } = kernel.get(TURNS);
  const broker = {
    get turnCount() {
      return byId.size + kernel.hooks.turnsElsewhere();
    },
    get isHeld() {
      return kernel.hooks.held() !== undefined;
    },
    get isLast() {
      return kernel.hooks.held() === 'until last';
    },
    get connectionCount() {
      return kernel.clients.size;
    },
    drainTimeoutMs: kernel.limits.drainTimeoutMs,
    closeTimeoutMs: CLOSE_TIMEOUT_MS,
  };
  const actor = createActor(brokerLogic(kernel), { clock: kernel.clock, id: 'broker', input: { broker } });
  checkXState(actor);
  kernel.ref = actor;
  kernel.hooks.starting();
  actor.start();
  armSweep(kernel);
  recoverTurns(kernel);
  return actor;
}
