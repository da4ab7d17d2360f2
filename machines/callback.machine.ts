import { setup } from 'xstate';
import type { RpcId } from '../protocol/frame.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ProgressParams, ToolCancelReason } from '../protocol/tools.ts';
import { effects } from './effects.ts';

/*
 * One for each `tools.execute`, on its way to a host and back. A child of its turn, so that it cannot outlive it. Whichever
 * final is reached, the caller's request is answered, once. Section 7 of the wire contract.
 */

/** What the chart's guards need to know of a callback. The actor's own record has more. */
export interface CallbackFacts {
  /** `cb-<n>`: unique in the daemon's life, and the JSON-RPC id of the request to the host. */
  readonly id: string;
  /** The gate wants a person's word first. */
  readonly isGated: boolean;
}

/** How a client answered a request of ours. */
export type Answer = { result: unknown } | { error: JsonObject };

/** Everything that a callback hears. */
export type CallbackEvent =
  | { type: 'gate.opened' }
  | { type: 'gate.closed'; reason: 'denied' | 'timeout'; approvalId: string }
  | { type: 'call.answered'; id: RpcId; answer: Answer }
  | { type: 'callback.progress'; params: ProgressParams }
  | { type: 'callback.expired' }
  | { type: 'callback.cancel'; reason: ToolCancelReason };

/** The chart, over the records of whoever runs it. */
export function createCallbackMachine<C extends CallbackFacts>() {
  return setup({
    types: {} as {
      context: { callback: C };
      input: { callback: C };
      events: CallbackEvent;
    },
    guards: {
      isGated: ({ context }) => context.callback.isGated,
      isResult: ({ event }) => event.type === 'call.answered' && 'result' in event.answer,
    },
    actions: effects(
      'raiseGate',
      'withdrawGate',
      'callHost',
      'forgetCall',
      'passProgress',
      'restartTimeout',
      'answerCaller',
      'refuseAsDenied',
      'refuseAsTimedOut',
      'refuseAsCancelled',
      'tellHostTimeout',
      'tellHostCancelled',
    ),
  }).createMachine({
    id: 'callback',
    context: ({ input }) => ({ callback: input.callback }),
    initial: 'admitting',
    states: {
      admitting: {
        always: [{ guard: 'isGated', target: 'parked' }, { target: 'pending' }],
      },
      parked: {
        description: 'The gate waits for a person. The host has heard nothing, and no time runs.',
        entry: 'raiseGate',
        on: {
          'gate.opened': 'pending',
          'gate.closed': { target: 'rejected', actions: 'refuseAsDenied' },
          'callback.cancel': { target: 'cancelled', actions: ['withdrawGate', 'refuseAsCancelled'] },
        },
      },
      pending: {
        description: 'The host has the request.',
        entry: 'callHost',
        exit: 'forgetCall',
        on: {
          'call.answered': [
            { guard: 'isResult', target: 'resolved', actions: 'answerCaller' },
            { target: 'rejected', actions: 'answerCaller' },
          ],
          'callback.progress': { actions: ['passProgress', 'restartTimeout'] },
          'callback.expired': { target: 'timedOut', actions: ['tellHostTimeout', 'refuseAsTimedOut'] },
          'callback.cancel': { target: 'cancelled', actions: ['tellHostCancelled', 'refuseAsCancelled'] },
        },
      },
      resolved: { type: 'final', description: 'The host’s result went back to the caller.' },
      rejected: { type: 'final', description: 'The host’s error, or the gate’s, went back to the caller.' },
      timedOut: { type: 'final', description: 'The host took too long; both sides were told.' },
      cancelled: { type: 'final', description: 'Nobody waits for it any more; both sides were told.' },
    },
  });
}

/** The chart alone: to be drawn, and walked. */
export const callbackMachine = createCallbackMachine<CallbackFacts>();
