import { type AnyActorRef, createActor } from 'xstate';
import { type BrokerEvent, brokerMachine } from '../machines/broker.machine.ts';
import { chatParams } from '../protocol/chat.ts';
import { CloseCode, closeReason } from '../protocol/close-codes.ts';
import { WireError } from '../protocol/errors.ts';
import { parseParams } from '../protocol/params.ts';
import { approvalLogic, buryApproval } from './approvals/approval.ts';
import { Client } from './connection/client.ts';
import { connectionLogic, startConnection } from './connection/connection.ts';
import { openLink } from './connection/ingress.ts';
import { attachAgent, endClient } from './connection/presence.ts';
import { attempt } from './kernel/attempt.ts';
import type { BrokerState } from './kernel/broker-state.ts';
import { withFastPath } from './kernel/fast-path.ts';
import { RateLimit } from './kernel/rate-limit.ts';
import { armSweep, sweepTurns } from './kernel/sweep.ts';
import { tell } from './kernel/tell.ts';
import { createClientId } from './kernel/unique-ids.ts';
import { buryMeeting, endMeetingOf, failMeeting, meetingLogic } from './meetings/meeting.ts';
import { reply } from './requests/reply.ts';
import { toWireError } from './requests/wire-errors.ts';
import { failOwner, surfaceOwnerLogic } from './surfaces/owner.ts';
import { buryCallback, callbackLogic, cancelCallback } from './tools/callback.ts';
import { buryClient, buryTurn, failTurn } from './turns/burial.ts';
import { openTurn } from './turns/open-turn.ts';
import { routeChatEvent } from './turns/routing.ts';
import { turnLogic } from './turns/turn.ts';
import { routeAudio, routeVoiceEvent } from './voice/routing.ts';
import { buryVoiceStream, failVoiceStream, voiceStreamLogic } from './voice/stream.ts';

type EventOf<T extends BrokerEvent['type']> = Extract<BrokerEvent, { type: T }>;

/** How long the end waits for facts that are being written: well within what sockets have to answer the close frame. */
const ANSWERS_MS = 1_000;

const ROUTING = new Set(['accepting', 'draining', 'closing']);

/** The root chart with its effects. */
function brokerLogic(state: BrokerState) {
  const connections = connectionLogic(state);
  state.logics = {
    turn: turnLogic(state),
    callback: callbackLogic(state),
    approval: approvalLogic(state),
    voiceStream: voiceStreamLogic(state),
    meeting: meetingLogic(state),
    surfaceOwner: surfaceOwnerLogic(state),
  };

  const machine = brokerMachine.provide({
    actions: {
      openConnection: ({ event }) => {
        const { link } = event as EventOf<'link.opened'>;
        const client = new Client({
          id: createClientId(),
          link,
          needsAuth: state.auth.enabled,
          maxAuthFailures: state.limits.maxAuthFailures,
          connectedAt: state.clock.now(),
          rate: new RateLimit(state.limits.requestsPerSecond, state.limits.requestBurst, state.clock.now()),
        });
        state.counters.connections += 1;
        state.clients.set(client.id, client);
        startConnection(state, connections, client);
        openLink(state, client);
        state.log.debug({ client: client.id, via: link.kind }, 'connection opened');
      },
      refuseConnection: ({ event }) => {
        const { link } = event as EventOf<'link.opened'>;
        link.close(CloseCode.GoingAway, closeReason(CloseCode.GoingAway));
      },
      attachAgent: ({ event }) => attachAgent(state, (event as EventOf<'client.identified'>).from as Client),
      endTurnsOfClient: ({ event }) => endClient(state, (event as EventOf<'client.gone'>).from as Client),
      route: ({ event }) => {
        const { from, id, method, params } = event as EventOf<'rpc.request'>;
        state.dispatcher.dispatch(state, from as Client, id, method, params);
      },
      refuseAsDraining: ({ event }) => {
        const { from, id, params } = event as EventOf<'rpc.request'>;
        reply(state, from as Client, id, { error: refusal(params) });
      },
      routeChatEvent: ({ event, self }) => routeChatEvent(state, event as EventOf<'chat.event'>, self),
      routeVoiceEvent: ({ event, self }) => voiceEvent(event as EventOf<'voice.event'>, self),
      routeAudio: ({ event, self }) => audio(event as EventOf<'voice.audio'>, self),
      forgetChild: ({ event }) => {
        const { id } = event as EventOf<'child.done'>;
        const turn = state.turns.get(id);
        if (turn) {
          buryTurn(state, turn);
          startNext(turn.sessionId);
          return;
        }
        const stream = state.voice.ofProvider(id);
        const owner = state.surfaces.owner(id);
        const meeting = state.meetings.ofActor(id);
        if (stream) {
          buryVoiceStream(state, stream);
          endMeetingOf(state, stream);
        } else if (meeting) buryMeeting(state, meeting);
        else if (owner) state.surfaces.forgetOwner(owner);
        else buryClient(state, id);
      },
      buryChild: ({ event }) => {
        const { id, error } = event as EventOf<'child.failed'>;
        state.log.error({ err: error, actor: id }, 'an actor failed; it alone ends');
        const turn = state.turns.get(id);
        if (turn) {
          failTurn(state, turn);
          startNext(turn.sessionId);
          return;
        }
        const approval = state.approvals.pending(id);
        if (approval) buryApproval(state, approval);
        const callback = state.directCallbacks.get(id);
        if (callback) buryCallback(state, callback);
        const stream = state.voice.ofProvider(id);
        if (stream) {
          failVoiceStream(state, stream);
          endMeetingOf(state, stream);
        }
        const meeting = state.meetings.ofActor(id);
        if (meeting) failMeeting(state, meeting);
        const owner = state.surfaces.owner(id);
        if (owner) failOwner(state, owner);
        const client = state.clients.get(id);
        if (!client) return;
        client.isOpen = false;
        attempt(state, 'a broken connection', () => client.link.terminate());
        attempt(state, 'a broken connection', () => endClient(state, client));
        buryClient(state, id);
      },
      sweepTurns: () => sweepTurns(state),
      dropQueuedChats: () => {
        state.isDraining = true;
        for (const { from, id } of state.sessions.takeAllWaiting())
          reply(state, from, id, { error: WireError.draining() });
      },
      endAllTurns: () => {
        for (const turn of [...state.turns.values()]) if (turn.ref) tell(state.ref, turn.ref, { type: 'turn.drain' });
      },
      closeConnections: () => {
        for (const callback of [...state.directCallbacks.values()]) cancelCallback(state, callback, 'draining');
        for (const { ref } of [...state.meetings.live]) if (ref) tell(state.ref, ref, { type: 'meeting.drain' });
        for (const { ref } of [...state.voice]) {
          if (ref) tell(state.ref, ref, { type: 'stream.fail', code: 'draining', message: 'the broker is stopping' });
        }
        for (const { ref } of state.surfaces.owners()) if (ref) tell(state.ref, ref, { type: 'owner.drain' });
        afterAnswers(() => {
          for (const client of [...state.clients.values()]) {
            tell(state.ref, client.ref, { type: 'connection.close', code: CloseCode.GoingAway });
          }
        });
      },
      cutConnections: () => {
        for (const client of [...state.clients.values()]) client.link.terminate();
      },
      release: () => {
        state.deadlines.clear();
        state.onStopped();
      },
    },
  });

  const voiceEvent = ({ from, params }: EventOf<'voice.event'>, self: AnyActorRef) =>
    routeVoiceEvent(state, from as Client, params, self);
  const audio = ({ from, frame }: EventOf<'voice.audio'>, self: AnyActorRef) =>
    routeAudio(state, from as Client, frame, self);

  /** Runs `close` once what was asked of the memory is answered, or takes too long. At once where nothing was. */
  function afterAnswers(close: () => void): void {
    if (state.answering.size === 0) {
      close();
      return;
    }
    const deadline = state.deadlines.arm(ANSWERS_MS, close);
    void Promise.allSettled(state.answering).then(() => {
      state.deadlines.disarm(deadline);
      close();
    });
  }

  /** What a chat is told while draining. Parameters are checked before state (section 2). */
  function refusal(params: unknown): WireError {
    try {
      parseParams(chatParams, params);
      return WireError.draining();
    } catch (error) {
      return toWireError(state, 'agents.chat', error);
    }
  }

  /** Starts what waited for this session. One that cannot start any more is told so, and the next has its turn. */
  function startNext(sessionId: string): void {
    while (!state.sessions.live(sessionId)) {
      const next = state.sessions.dequeue(sessionId);
      if (!next) return;
      try {
        openTurn(state, next);
      } catch (error) {
        reply(state, next.from, next.id, { error: toWireError(state, 'agents.chat', error) });
      }
    }
  }

  return withFastPath(machine, {
    'chat.event': {
      in: ROUTING,
      run: (_context: unknown, event: EventOf<'chat.event'>, self) => routeChatEvent(state, event, self),
    },
    'voice.event': {
      in: ROUTING,
      run: (_context: unknown, event: EventOf<'voice.event'>, self) => voiceEvent(event, self),
    },
    'voice.audio': {
      in: ROUTING,
      run: (_context: unknown, event: EventOf<'voice.audio'>, self) => audio(event, self),
    },
  });
}

/** Makes and starts the root actor of one broker. */
export function startBroker(state: BrokerState): AnyActorRef {
  const actor = createActor(brokerLogic(state), {
    clock: state.clock,
    id: 'broker',
    input: { broker: state },
  });
  state.ref = actor;
  actor.start();
  armSweep(state);
  return actor;
}
