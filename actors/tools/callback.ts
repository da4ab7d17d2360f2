import { type AnyActorRef, createActor } from 'xstate';
import { type CallbackEvent, createCallbackMachine } from '../../machines/callback.machine.ts';
import { withEffects } from '../../machines/effects.ts';
import { WireError } from '../../protocol/errors.ts';
import type { ToolCancelReason } from '../../protocol/tools.ts';
import { traceId } from '../../protocol/trace.ts';
import { raiseApproval, withdrawApproval } from '../approvals/approval.ts';
import { GATE } from '../approvals/gate.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { CallbackEnding } from '../kernel/counters.ts';
import { withFastPath } from '../kernel/fast-path.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { preview } from '../kernel/preview.ts';
import { metaOf, withoutBaggage } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import type { RelayedAnswer } from '../requests/reply.ts';
import type { Callback } from './callback-record.ts';
import { toolsOf } from './client-tools.ts';
import { endCall } from './tool-span.ts';

type EventOf<T extends CallbackEvent['type']> = Extract<CallbackEvent, { type: T }>;
interface Args {
  context: { callback: Callback };
  event: CallbackEvent;
  self: AnyActorRef;
}

/** The callback chart with its effects: one logic for all tool calls of a broker. */
function callbackLogic(kernel: Kernel) {
  const callbackOf = (args: Args) => args.context.callback;
  const eventOf = <T extends CallbackEvent['type']>(args: Args, _type: T) => args.event as EventOf<T>;

  const arm = (callback: Callback, self: AnyActorRef) => {
    kernel.deadlines.disarm(callback.deadline);
    const ms = callback.nextTimeout(kernel.clock.now());
    callback.deadline = kernel.deadlines.arm(ms, () => self.send({ type: 'callback.expired' }));
  };
  const tellHost = (args: Args, reason: ToolCancelReason) => {
    const { id, spec } = callbackOf(args);
    const params = { request_id: id, action_id: spec.actionId, reason, ...metaOf(withoutBaggage(spec.trace)) };
    tell(args.self, spec.host.ref, { type: 'rpc.notify', method: 'tools.cancel', params });
  };
  const conclude = (args: Args, ending: CallbackEnding, answer: RelayedAnswer) => {
    const callback = callbackOf(args);
    kernel.counters.callback(ending, kernel.clock.now() - callback.startedAt);
    noteRun(kernel, callback, ending);
    callback.answer(answer, args.self);
  };

  const machine = withEffects(createCallbackMachine<Callback>(), {
    raiseGate: (args) => {
      const callback = callbackOf(args);
      const { parameters } = callback;
      const { tool, turn, caller, span, trace } = callback.spec;
      if (!caller) return;
      kernel.tracing.event(span, 'parked');
      callback.approval = raiseApproval(kernel, {
        kind: 'gate',
        raiser: caller.client,
        agentId: caller.client.agentId ?? null,
        action: 'ws.method:tools.execute',
        details: {
          method: 'tools.execute',
          tool,
          params_preview: preview(parameters),
          ...(turn ? { session_id: turn.sessionId, turn_id: turn.id } : {}),
        },
        params: parameters,
        gated: turn,
        trace,
        timeoutMs: kernel.get(GATE).timeoutMs,
        onSettled: (outcome, source) => {
          if (outcome === 'approved') tell(source, args.self, { type: 'gate.opened' });
          else if (outcome !== 'withdrawn') {
            const reason = outcome === 'denied' ? 'denied' : 'timeout';
            tell(source, args.self, { type: 'gate.closed', reason, approvalId: callback.approval?.id ?? '' });
          }
        },
      });
    },
    withdrawGate: (args) => {
      const { approval } = callbackOf(args);
      if (approval) withdrawApproval(kernel, approval, args.self);
    },
    callHost: (args) => {
      const callback = callbackOf(args);
      const { parameters } = callback;
      const { host, tool, timeoutMs, actionId, attempt, turn, span, trace } = callback.spec;
      if (callback.approval) kernel.tracing.event(span, 'approved');
      host.calls.set(callback.id, { progressTo: args.self, replyTo: args.self });
      arm(callback, args.self);
      const params = {
        action_id: actionId,
        tool,
        parameters,
        ...(toolsOf(host).wantsParamsOnce ? {} : { params: parameters }),
        timeout_ms: timeoutMs,
        attempt,
        request_id: callback.id,
        ...(turn ? { session_id: turn.sessionId } : {}),
        ...metaOf(trace),
      };
      tell(args.self, host.ref, { type: 'rpc.call', id: callback.id, method: 'tools.execute', params });
      callback.letGo();
    },
    forgetCall: (args) => {
      const callback = callbackOf(args);
      kernel.deadlines.disarm(callback.deadline);
      callback.spec.host.calls.delete(callback.id);
    },
    passProgress: (args) => callbackOf(args).spec.progress?.(eventOf(args, 'callback.progress').params, args.self),
    restartTimeout: (args) => arm(callbackOf(args), args.self),
    answerCaller: (args) => {
      const { answer } = eventOf(args, 'call.answered');
      conclude(args, 'error' in answer ? 'rejected' : 'resolved', answer);
    },
    refuseAsDenied: (args) => {
      const { reason, approvalId } = eventOf(args, 'gate.closed');
      conclude(args, 'rejected', { error: WireError.approvalDenied(reason, approvalId) });
    },
    refuseAsTimedOut: (args) => conclude(args, 'timedOut', { error: WireError.toolTimeout() }),
    refuseAsCancelled: (args) => {
      const { reason } = eventOf(args, 'callback.cancel');
      conclude(args, 'cancelled', { error: WireError.toolCancelled(reason) });
    },
    tellHostTimeout: (args) => tellHost(args, 'timeout'),
    tellHostCancelled: (args) => tellHost(args, eventOf(args, 'callback.cancel').reason),
  });
  return withFastPath(machine, {}, {});
}

/**
 * A tool call has ended: its span does, and the audit has that it was run, or was to be: whose, for whom, and how it ended.
 * Nothing of what it was called with.
 */
function noteRun(kernel: Kernel, { id, spec, approval }: Callback, outcome: CallbackEnding | 'failed'): void {
  endCall(kernel, spec, outcome);
  const { audit } = kernel;
  if (!audit.isOn) return;
  const { caller, host, tool, turn } = spec;
  const data = { call: id, turn: turn?.id, host: host.principal.sub, host_conn: host.origin, approval: approval?.id };
  const trace = traceId(spec.trace);
  if (caller) audit.by(caller.client, 'tool.run', outcome, tool, data, trace);
  else audit.own('tool.run', outcome, tool, data, { who: 'program', trace });
}

/** What a tool call is to its parent. */
export const CALLBACK = key<ChildKind<Callback>>('tool call');

/** See {@link CALLBACK}. */
export const callbackKind = (kernel: Kernel): ChildKind<Callback> => ({
  logic: callbackLogic(kernel),
  ended: () => {},
  failed: (callback) => buryCallback(kernel, callback),
});

/** Makes and starts the actor of one tool call, as a child of its turn. */
export function startCallback(kernel: Kernel, parent: AnyActorRef, callback: Callback): void {
  const { logic } = kernel.get(CALLBACK);
  const actor = createActor(logic, { parent, id: callback.id, input: { callback } });
  callback.ref = actor;
  actor.start();
}

/** The same of one that belongs to no turn. */
export function startDirectCallback(kernel: Kernel, callback: Callback): void {
  kernel.children.start(kernel.get(CALLBACK), callback.id, callback, { callback });
}

/** Ends a tool call that nobody waits for any more; one that still waits for its turn's ack, too. `source`: who ends it. */
export function cancelCallback(
  kernel: Kernel,
  callback: Callback,
  reason: ToolCancelReason,
  source: AnyActorRef = kernel.ref,
): void {
  const { ref } = callback;
  if (!ref) {
    callback.spec.turn?.callbacks.delete(callback.id);
    kernel.counters.callback('cancelled', kernel.clock.now() - callback.startedAt);
    noteRun(kernel, callback, 'cancelled');
    callback.answer({ error: WireError.toolCancelled(reason) }, source);
    return;
  }
  tell(source, ref, { type: 'callback.cancel', reason });
  // Its turn has ended, perhaps, and hears no more that it broke at that.
  if (ref.getSnapshot().status === 'error') buryCallback(kernel, callback);
}

/** A tool call's actor failed, a fault of ours: its caller is answered, and no other notices (law 10). */
export function buryCallback(kernel: Kernel, callback: Callback): void {
  const step = (run: () => void) => kernel.attempt('a broken tool call', run);
  if (!callback.isAnswered) step(() => noteRun(kernel, callback, 'failed'));
  step(() => kernel.deadlines.disarm(callback.deadline));
  step(() => callback.spec.host.calls.delete(callback.id));
  step(() => callback.approval && withdrawApproval(kernel, callback.approval));
  step(() => callback.answer({ error: WireError.internal() }, kernel.ref));
}
