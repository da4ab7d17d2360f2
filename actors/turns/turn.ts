import type { AnyActorRef } from 'xstate';
import { withEffects } from '../../machines/effects.ts';
import { createTurnMachine, turnHotEvents } from '../../machines/turn.machine.ts';
import { type LiveTurn, liveStatusOf, type TurnValue } from '../../machines/turn-status.ts';
import type { CancelReason } from '../../protocol/chat.ts';
import { WireError } from '../../protocol/errors.ts';
import { Sealed } from '../../protocol/sealed.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import { announceGates } from '../approvals/gated-turn.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentError } from '../kernel/refused-call.ts';
import { metaOf } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import { reply } from '../requests/reply.ts';
import { buryCallback, cancelCallback, startCallback } from '../tools/callback.ts';
import { Callback } from '../tools/callback-record.ts';
import { type Asker, answerAskers } from './askers.ts';
import { leaveReaders } from './left-readers.ts';
import { acceptance, answerLive, releaseHost, takeOver, watch } from './subscription.ts';
import { askWaiting } from './tool-waits.ts';
import { admitAgent, releaseAgent } from './turn-agent.ts';
import { endCallbacks, endChildren, endReason, raiseChatApproval, settleChatApproval } from './turn-children.ts';
import { keepOpening, openLog, skipNumber, unkept } from './turn-keeping.ts';
import type { SynthesizedTerminal } from './turn-messages.ts';
import type { Turn, TurnHears, TurnHolds } from './turn-record.ts';
import { announce, relay, relayTraced, sendSynthesized } from './turn-relay.ts';
import { TURNS } from './turns.ts';

type EventOf<T extends TurnHears['type']> = Extract<TurnHears, { type: T }>;
type AgentEvent = EventOf<'chat.event' | 'turn.terminal' | 'approval.pending' | 'approval.resolved'>;
interface Args {
  context: { turn: Turn };
  event: TurnHears;
  self: AnyActorRef;
}

/** The turn chart with its effects: one logic for all turns of a broker. */
export function turnLogic(kernel: Kernel) {
  // Where nobody is told of spans a delta does not pay for looking.
  const pass = kernel.tracing.isOn ? relayTraced : relay;
  const turnOf = (args: Args) => args.context.turn;
  /** The event, where the chart lets only these types reach an action. */
  const eventOf = <T extends TurnHears['type']>(args: Args, ..._types: T[]) => args.event as EventOf<T>;

  /** What the broker has to say itself to end a turn. */
  const synthesize = (args: Args, terminal: SynthesizedTerminal) =>
    sendSynthesized(kernel, args.self, turnOf(args), terminal);
  const tellAgent = (args: Args, reason: CancelReason, trace?: TraceContext) => {
    const turn = turnOf(args);
    if (turn.isAgentTold) return;
    turn.isAgentTold = true;
    turn.toldReason = reason;
    // While it is away it is told when it is back.
    if (!turn.speaker) return;
    const params = { session_id: turn.sessionKey, turn_id: turn.id, reason, ...metaOf(trace ?? turn.trace) };
    tell(args.self, turn.agent.ref, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  };
  const refuse = (args: Args, error: WireError) =>
    answerAskers(kernel, turnOf(args).askers, () => ({ error }), args.self);
  /** It waits without a host. Where too many do, somebody's oldest waits no longer. */
  const leaveBehind = (args: Args) => {
    const turn = turnOf(args);
    const displaced = kernel.get(TURNS).logs.detached.add(turn, turn.openerId);
    if (displaced?.ref) tell(args.self, displaced.ref, { type: 'window.expired' });
  };
  const takeUp = (turn: Turn) => kernel.get(TURNS).logs.detached.delete(turn, turn.openerId);
  /** Where a live turn stands after this step: the chart says so only afterwards. */
  const statusWith = (args: Args, change: Partial<LiveTurn> = {}) => {
    const { live } = args.self.getSnapshot().value as Extract<TurnValue, object>;
    return liveStatusOf({ ...live, ...change });
  };

  const machine = withEffects(createTurnMachine<TurnHolds>(), {
    callAgent: (args) => {
      const turn = turnOf(args);
      turn.agent.calls.set(turn.callId, { replyTo: args.self });
      turn.deadline = kernel.deadlines.arm(kernel.limits.ackTimeoutMs, () => args.self.send({ type: 'ack.expired' }));
      // Its actor starts with it, and asks once.
      const params = turn.ask as JsonText;
      turn.ask = undefined;
      tell(args.self, turn.agent.ref, { type: 'rpc.call', id: turn.callId, method: 'agent.chat', params });
    },
    disarmAck: (args) => {
      const turn = turnOf(args);
      kernel.deadlines.disarm(turn.deadline);
      takeUp(turn);
      if (args.event.type === 'ack.expired') {
        turn.agent.abandonCall(turn.callId, { sessionId: turn.sessionKey, turnId: turn.id });
      } else turn.agent.calls.delete(turn.callId);
    },
    keepOpening: (args) => keepOpening(kernel, args.self, turnOf(args)),
    stopKeeping: (args) => {
      const turn = turnOf(args);
      kernel.deadlines.disarm(turn.deadline);
      turn.stopWaiting?.();
      turn.stopWaiting = undefined;
      takeUp(turn);
    },
    hold: (args) => {
      const turn = turnOf(args);
      const { params, bytes, type } = args.event as AgentEvent;
      if (turn.heldTerminal !== undefined) {
        kernel.counters.drop('after_terminal');
        return;
      }
      turn.held.push(params);
      turn.heldBytes += bytes;
      if (type === 'turn.terminal') turn.heldTerminal = params.kind;
    },
    acceptChat: (args) => {
      const turn = turnOf(args);
      const opened = turn.opened ?? openLog(kernel, turn);
      turn.opened = undefined;
      turn.log = opened?.log;
      turn.isAccepted = true;
      turn.standingGoal?.began();
      // The ack is a frame of the agent's too: its silence begins here.
      turn.lastFrameAt = kernel.clock.now();
      const secret = opened ? { sealed: new Sealed({ resume_token: opened.token.open() }) } : {};
      const answer = (asker: Asker) => ({ result: acceptance(kernel, turn, asker), ...secret });
      answerAskers(kernel, turn.askers, answer, args.self);
      turn.askers = [];
      if (turn.opening) turn.opening.token = undefined;
      announceGates(args.self, turn);
    },
    releaseHeld: (args) => {
      const turn = turnOf(args);
      const { held } = turn;
      turn.held = [];
      turn.spans?.released(turn.heldBytes);
      turn.heldBytes = 0;
      // With a terminal among them, the tools that were asked for are called no more.
      if (turn.heldTerminal !== undefined) endChildren(kernel, args.self, turn, 'turn_ended');
      for (const item of held) {
        if (item instanceof Callback) {
          // Unless it was withdrawn meanwhile.
          if (turn.callbacks.has(item.id)) startCallback(kernel, args.self, item);
          continue;
        }
        if (item.kind === 'approval_pending' && turn.pendingApprovals.size >= turn.maxPendingApprovals) {
          kernel.counters.drop('too_many_approvals');
          skipNumber(turn, item.aseq);
          continue;
        }
        turn.spans?.passed(item, 0);
        relay(kernel, args.self, turn, item, Number.POSITIVE_INFINITY);
        if (item.kind === 'approval_pending') raiseChatApproval(kernel, turn, item);
        else if (item.kind === 'approval_resolved') settleChatApproval(args.self, turn, item);
      }
      if (turn.heldTerminal !== undefined) turn.isTerminated = true;
    },
    refuseAsRejected: (args) => {
      const { answer } = eventOf(args, 'call.answered');
      // Not an error, yet no acceptance either: the agent's words are passed on in the same place.
      refuse(args, 'error' in answer ? agentError(answer.error) : WireError.agentRejected(answer.result ?? null));
    },
    refuseAsSilent: (args) => refuse(args, WireError.agentAckTimeout()),
    refuseAsOverflowing: (args) =>
      refuse(args, WireError.limitExceeded('max_unacked_bytes', turnOf(args).maxHeldBytes)),
    refuseAsDetached: (args) => refuse(args, WireError.agentNotAttached(turnOf(args).agentId)),
    refuseAsUnkept: (args) => {
      const { journal } = kernel.get(TURNS);
      refuse(args, journal ? unkept(journal) : WireError.internal());
    },
    refuseAsDraining: (args) => refuse(args, WireError.draining()),
    relay: (args) => {
      const event = args.event as AgentEvent;
      pass(kernel, args.self, turnOf(args), event.params, event.bytes);
      if (event.type === 'turn.terminal') turnOf(args).isTerminated = true;
    },
    noteApproval: (args) => raiseChatApproval(kernel, turnOf(args), eventOf(args, 'approval.pending').params),
    dropApproval: (args) => {
      kernel.counters.drop('too_many_approvals');
      skipNumber(turnOf(args), eventOf(args, 'approval.pending').params.aseq);
    },
    settleApproval: (args) => settleChatApproval(args.self, turnOf(args), eventOf(args, 'approval.resolved').params),
    forgetApproval: (args) => {
      const turn = turnOf(args);
      turn.pendingApprovals.delete(eventOf(args, 'approval.settled').approvalId);
      turn.lastFrameAt = kernel.clock.now();
    },
    holdCallback: (args) => {
      const callback = eventOf(args, 'tool.requested').callback;
      const turn = turnOf(args);
      turn.callbacks.set(callback.id, callback);
      turn.held.push(callback);
    },
    startCallback: (args) => {
      const callback = eventOf(args, 'tool.requested').callback;
      turnOf(args).callbacks.set(callback.id, callback);
      startCallback(kernel, args.self, callback);
    },
    refuseCallback: (args) => cancelCallback(kernel, eventOf(args, 'tool.requested').callback, 'turn_ended', args.self),
    forgetCallback: (args) => {
      const turn = turnOf(args);
      turn.callbacks.delete(eventOf(args, 'child.done').id);
      turn.lastFrameAt = kernel.clock.now();
    },
    buryCallback: (args) => {
      const { id, error } = eventOf(args, 'child.failed');
      kernel.log.error({ err: error, actor: id }, 'an actor failed; it alone ends');
      const turn = turnOf(args);
      const callback = turn.callbacks.get(id);
      if (callback) buryCallback(kernel, callback);
      turn.callbacks.delete(id);
      turn.lastFrameAt = kernel.clock.now();
    },
    endChildren: (args) => endChildren(kernel, args.self, turnOf(args), endReason(args.event)),
    endCallbacks: (args) => endCallbacks(kernel, args.self, turnOf(args), endReason(args.event)),
    releaseHost: (args) => releaseHost(turnOf(args)),
    leaveBehind,
    joinAskers: (args) => {
      const turn = turnOf(args);
      const { subscription } = eventOf(args, 'host.joined');
      takeUp(turn);
      takeOver(kernel, args.self, turn, subscription);
      turn.askers.push({ client: subscription.client, id: subscription.id, isRepeated: true });
    },
    admitHost: (args) => {
      const turn = turnOf(args);
      const subscription = eventOf(args, 'host.joined').subscription;
      if (turn.host !== subscription.client) turn.spans?.resumed(subscription.trace);
      takeOver(kernel, args.self, turn, subscription);
      answerLive(kernel, args.self, turn, subscription, statusWith(args, { host: 'here' }));
      askWaiting(args.self, turn);
    },
    admitObserver: (args) => {
      const turn = turnOf(args);
      const subscription = eventOf(args, 'observer.joined').subscription;
      watch(turn, subscription.client);
      answerLive(kernel, args.self, turn, subscription, statusWith(args));
    },
    armWindow: (args) => {
      const turn = turnOf(args);
      turn.spans?.detached();
      leaveBehind(args);
      turn.deadline = kernel.deadlines.arm(turn.log?.windowMs ?? 0, () => args.self.send({ type: 'window.expired' }));
    },
    disarmWindow: (args) => {
      const turn = turnOf(args);
      takeUp(turn);
      kernel.deadlines.disarm(turn.deadline);
    },
    releaseAgent: (args) => releaseAgent(kernel, args.self, turnOf(args)),
    admitAgent: (args) => {
      const { client, missed } = eventOf(args, 'agent.back');
      admitAgent(kernel, args.self, turnOf(args), client, missed);
    },
    armAgentWindow: (args) => {
      const turn = turnOf(args);
      const windowMs = kernel.limits.agentWindowMs;
      kernel.get(TURNS).orphans.add(turn);
      turn.agentDeadline = kernel.deadlines.arm(windowMs, () => args.self.send({ type: 'agent.window.expired' }));
      announce(args.self, turn, { kind: 'agent_away', window_ms: windowMs });
    },
    disarmAgentWindow: (args) => {
      const turn = turnOf(args);
      kernel.get(TURNS).orphans.delete(turn);
      kernel.deadlines.disarm(turn.agentDeadline);
    },
    confirmCancel: (args) => {
      const { confirm } = eventOf(args, 'turn.cancel');
      if (!confirm) return;
      const result = { cancelled: true, session_id: turnOf(args).sessionId };
      reply(kernel, confirm.to, confirm.id, { result }, args.self);
    },
    cancelAgent: (args) => {
      const { reason, trace } = eventOf(args, 'turn.cancel');
      tellAgent(args, reason, trace);
    },
    cancelAgentAsStale: (args) => tellAgent(args, 'stale'),
    cancelAgentAsDraining: (args) => tellAgent(args, 'draining'),
    cancelAgentAsAbandoned: (args) =>
      tellAgent(args, turnOf(args).host?.isOverrun ? 'slow_consumer' : 'host_disconnected'),
    // Of the reasons that there are, the nearest: it has not acknowledged, and will not be waited for.
    cancelAgentAsOverflowing: (args) => tellAgent(args, 'ack_timeout'),
    cancelReplacedAgent: (args) => {
      if (eventOf(args, 'agent.gone').code === 'agent_replaced') tellAgent(args, 'agent_replaced');
    },
    // Of the reasons that there are, the nearest: another turn has its session.
    cancelAgentAsYounger: (args) => tellAgent(args, 'replaced'),
    cancelAgentAsOver: (args) => tellAgent(args, eventOf(args, 'turn.over').reason),
    failAsYounger: (args) => {
      const error = 'another broker has an older turn in this session';
      synthesize(args, { kind: 'error', error, code: 'session_conflict' });
    },
    failAsStale: (args) =>
      synthesize(args, { kind: 'error', error: 'the agent has been silent for too long', code: 'stale' }),
    failAsDraining: (args) => synthesize(args, { kind: 'error', error: 'the broker is stopping', code: 'draining' }),
    failAsRefused: (args) => {
      const error = 'an event of the agent’s could not be read, or passed on';
      synthesize(args, { kind: 'error', error, code: 'event_refused' });
    },
    failAsAgentGone: (args) => {
      const code = args.event.type === 'agent.gone' ? args.event.code : 'agent_disconnected';
      const error = code === 'agent_replaced' ? 'the agent connected anew' : 'the agent disconnected';
      synthesize(args, { kind: 'error', error, code });
    },
    tellCancelled: (args) => synthesize(args, { kind: 'done', finish_reason: 'cancelled' }),
    tellAbandoned: (args) => {
      const { log, host } = turnOf(args);
      // Without a log nobody is left to hear it.
      if (!log) return;
      if (host?.isOverrun) synthesize(args, { kind: 'error', error: 'the host cannot keep up', code: 'slow_consumer' });
      else synthesize(args, { kind: 'done', finish_reason: 'cancelled' });
    },
    armGrace: (args) => {
      const turn = turnOf(args);
      const { graceMs } = eventOf(args, 'turn.cancel');
      const at = kernel.clock.now() + graceMs;
      // A second cancel may shorten the grace of the first, never prolong it.
      if (turn.graceEndsAt !== undefined && turn.graceEndsAt <= at) return;
      turn.graceEndsAt = at;
      turn.log?.kept?.note('cancel', { reason: turn.toldReason, grace_ends_at: Date.now() + graceMs });
      kernel.deadlines.disarm(turn.deadline);
      turn.deadline = kernel.deadlines.arm(graceMs, () => args.self.send({ type: 'grace.expired' }));
    },
    armGraceAgain: (args) => {
      const turn = turnOf(args);
      const graceMs = Math.max(0, (turn.graceEndsAt ?? 0) - kernel.clock.now());
      turn.deadline = kernel.deadlines.arm(graceMs, () => args.self.send({ type: 'grace.expired' }));
    },
    disarmGrace: (args) => kernel.deadlines.disarm(turnOf(args).deadline),
    leaveReaders: (args) => leaveReaders(kernel, turnOf(args)),
  });

  return withFastPath(machine, turnHotEvents, {
    'chat.event': ({ turn }, { params, bytes }, self) => pass(kernel, self, turn, params, bytes),
  });
}
