import type { TurnEvent } from '../../machines/turn-events.ts';

/* What a turn can hear, each once, for the rows of its chart. */

type Kinds = Extract<TurnEvent, { params: object }>['type'];

export const frame = (type: Kinds, fields: { kind: string; [key: string]: unknown }): TurnEvent => ({
  type,
  params: { session_id: 's', ...fields },
  bytes: 10,
});
export const answer = (answered: Extract<TurnEvent, { type: 'call.answered' }>['answer']): TurnEvent => ({
  type: 'call.answered',
  id: 'sb-1',
  answer: answered,
});
export const ack = answer({ result: { accepted: true } });
export const token = frame('chat.event', { kind: 'token', delta: 'a' });
export const done = frame('turn.terminal', { kind: 'done', finish_reason: 'stop' });
export const error = frame('turn.terminal', { kind: 'error', error: 'oh' });
export const authRequired = frame('turn.terminal', { kind: 'auth_required', reason: 'r', message: 'm' });
export const pending = frame('approval.pending', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
export const resolved = frame('approval.resolved', {
  kind: 'approval_resolved',
  approval_id: 'a',
  resolution: 'approve',
});
export const expired: TurnEvent = { type: 'ack.expired' };
export const openingKept: TurnEvent = { type: 'opening.kept' };
export const cancel: TurnEvent = { type: 'turn.cancel', reason: 'host_cancelled', graceMs: 0 };
export const cancelGently: TurnEvent = { type: 'turn.cancel', reason: 'host_cancelled', graceMs: 100 };
export const graceOver: TurnEvent = { type: 'grace.expired' };
export const stale: TurnEvent = { type: 'turn.stale' };
export const hostGone: TurnEvent = { type: 'host.gone' };
export const agentGone: TurnEvent = {
  type: 'agent.gone',
  code: 'agent_disconnected',
  mayReturn: true,
};
export const agentReplaced: TurnEvent = { type: 'agent.gone', code: 'agent_replaced', mayReturn: false };
export const agentBack: TurnEvent = { type: 'agent.back', client: {}, missed: undefined };
export const agentWindowOver: TurnEvent = { type: 'agent.window.expired' };
export const eventLost: TurnEvent = { type: 'event.lost' };
export const sessionTaken: TurnEvent = { type: 'session.taken' };
export const moved: TurnEvent = { type: 'turn.moved' };
export const over: TurnEvent = { type: 'turn.over', reason: 'host_cancelled' };
export const drain: TurnEvent = { type: 'turn.drain' };
export const toolRequested: TurnEvent = { type: 'tool.requested', callback: { id: 'cb-1', isGated: false } };
export const settled: TurnEvent = { type: 'approval.settled', approvalId: 'a' };
export const hostJoined: TurnEvent = { type: 'host.joined', subscription: {} };
export const observerJoined: TurnEvent = { type: 'observer.joined', subscription: {} };
export const windowOver: TurnEvent = { type: 'window.expired' };
export const childDone: TurnEvent = { type: 'child.done', id: 'cb-1' };
export const childFailed: TurnEvent = { type: 'child.failed', id: 'cb-1', error: new Error('oh') };
export const everyEvent = [
  ...[ack, token, done, error, pending, resolved, expired],
  ...[cancel, cancelGently, graceOver, stale, hostGone, agentGone, agentReplaced, drain],
  ...[agentBack, agentWindowOver, moved, over, eventLost, sessionTaken, openingKept],
  ...[toolRequested, settled, hostJoined, observerJoined, windowOver, childDone, childFailed],
];
