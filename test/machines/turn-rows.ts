import type { EventObject } from 'xstate';
import type { Row } from './chart.ts';
import {
  ack,
  agentBack,
  agentGone,
  agentReplaced,
  agentWindowOver,
  answer,
  authRequired,
  cancel,
  cancelGently,
  childDone,
  childFailed,
  done,
  drain,
  error,
  eventLost,
  expired,
  graceOver,
  hostGone,
  hostJoined,
  moved,
  observerJoined,
  openingKept,
  over,
  pending,
  resolved,
  sessionTaken,
  settled,
  stale,
  token,
  toolRequested,
  windowOver,
} from './turn-events.ts';
import { chart, type Facts, kept, one } from './turn-ways.ts';

export { chart, type Facts, one };

const two = { pendingApprovals: new Set(['a', 'b']) };
const another = { pendingApprovals: new Set(['b']) };
const last = { pendingApprovals: new Set(['b', 'c']) };
const tooMany = { pendingApprovals: new Set(['b', 'c', 'd']) };
export const logged = { hasLog: true };
export const resumable = { mayDetach: true };
const hostless = { hasHost: false };
export const numbered = { resumes: true };
export const full = { heldBytes: 91 };
const overflows = {
  to: 'refused',
  does: ['disarmAck', 'endChildren', 'refuseAsOverflowing', 'cancelAgentAsOverflowing'],
};
/** The finals, and one way to each. */
export const FINALS: Record<string, EventObject[]> = {
  done: [ack, done],
  failed: [ack, error],
  cancelled: [cancel],
  abandoned: [hostGone],
  refused: [expired],
  moved: [ack, agentGone, moved],
};
const rejected = { to: 'refused', does: ['disarmAck', 'endChildren', 'refuseAsRejected'] };
const accepted = ['disarmAck', 'acceptChat', 'releaseHeld'];
const gracefully = [
  ...['disarmAck', 'acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'releaseHeld', 'armGrace'],
];

const dispatching: Omit<Row<Facts>, 'in'>[] = [
  { on: ack, to: 'streaming', does: accepted },
  { on: ack, given: one, to: 'parked', does: accepted },
  { on: ack, given: { heldTerminal: 'done', ...one }, to: 'done', does: accepted },
  { on: ack, given: { heldTerminal: 'auth_required' }, to: 'done', does: accepted },
  { on: ack, given: { heldTerminal: 'error' }, to: 'failed', does: accepted },
  { on: ack, given: kept, to: 'opening', does: ['disarmAck', 'keepOpening'] },
  { on: answer({ error: { code: 1, message: 'no' } }), ...rejected },
  { on: answer({ result: { accepted: false } }), ...rejected },
  { on: answer({ result: { accepted: 'true' } }), ...rejected },
  { on: answer({ result: null }), ...rejected },
  { on: answer({ result: [] }), ...rejected },
  { on: token, does: ['hold'] },
  { on: token, given: { heldBytes: 90 }, does: ['hold'] },
  { on: token, given: full, ...overflows },
  { on: token, given: { heldTerminal: 'done', ...full }, does: ['hold'] },
  { on: done, does: ['hold'] },
  { on: done, given: full, ...overflows },
  { on: pending, does: ['hold'] },
  { on: pending, given: full, ...overflows },
  { on: resolved, does: ['hold'] },
  { on: resolved, given: full, ...overflows },
  { on: expired, to: 'refused', does: ['disarmAck', 'endChildren', 'refuseAsSilent'] },
  {
    on: cancel,
    to: 'cancelled',
    does: ['disarmAck', 'acceptChat', 'confirmCancel', 'cancelAgent', 'endChildren', 'tellCancelled'],
  },
  {
    on: cancelGently,
    to: 'cancelling',
    does: gracefully,
  },
  {
    on: cancelGently,
    given: { heldTerminal: 'done' },
    to: 'done',
    does: [...gracefully, 'disarmGrace'],
  },
  {
    on: cancelGently,
    given: { heldTerminal: 'error' },
    to: 'failed',
    does: [...gracefully, 'disarmGrace'],
  },
  { on: drain, to: 'refused', does: ['disarmAck', 'endChildren', 'refuseAsDraining', 'cancelAgentAsDraining'] },
  { on: hostGone, to: 'abandoned', does: ['disarmAck', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: hostGone, given: resumable, does: ['endCallbacks', 'releaseHost', 'leaveBehind'] },
  { on: hostJoined, does: ['joinAskers'] },
  { on: windowOver, to: 'abandoned', does: ['disarmAck', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: ack, given: hostless, to: 'streaming, away', does: [...accepted, 'armWindow'] },
  { on: ack, given: { ...hostless, ...one }, to: 'parked, away', does: [...accepted, 'armWindow'] },
  {
    on: ack,
    given: { ...hostless, heldTerminal: 'done' },
    to: 'done',
    does: [...accepted, 'armWindow', 'disarmWindow'],
  },
  { on: cancelGently, given: hostless, to: 'cancelling, gone', does: gracefully },
  { on: agentGone, to: 'refused', does: ['disarmAck', 'endChildren', 'cancelReplacedAgent', 'refuseAsDetached'] },
  { on: toolRequested, does: ['holdCallback'] },
];

/** The same while that the agent has accepted is kept. */
const opening: Omit<Row<Facts>, 'in'>[] = [
  ...dispatching
    .filter(({ on }) => on !== expired && on.type !== 'call.answered')
    .map((row) => ({ ...row, does: row.does.map((did) => (did === 'disarmAck' ? 'stopKeeping' : did)) })),
  { on: openingKept, to: 'streaming', does: ['stopKeeping', 'acceptChat', 'releaseHeld'] },
  {
    on: expired,
    to: 'refused',
    does: ['stopKeeping', 'endChildren', 'refuseAsUnkept', 'cancelAgentAsOverflowing'],
  },
];

/** How an accepted turn ends alike, wherever it stands. */
const ending: Omit<Row<Facts>, 'in'>[] = [
  { on: done, to: 'done', does: ['endChildren', 'relay'] },
  { on: authRequired, to: 'done', does: ['endChildren', 'relay'] },
  { on: error, to: 'failed', does: ['endChildren', 'relay'] },
  { on: cancel, to: 'cancelled', does: ['confirmCancel', 'cancelAgent', 'endChildren', 'tellCancelled'] },
  { on: cancelGently, to: 'cancelling', does: ['confirmCancel', 'cancelAgent', 'endChildren', 'armGrace'] },
  { on: drain, to: 'failed', does: ['endChildren', 'cancelAgentAsDraining', 'failAsDraining'] },
  { on: agentGone, to: 'failed', does: ['endChildren', 'cancelReplacedAgent', 'failAsAgentGone'] },
  {
    on: agentReplaced,
    given: numbered,
    to: 'failed',
    does: ['endChildren', 'cancelReplacedAgent', 'failAsAgentGone'],
  },
  { on: eventLost, to: 'failed', does: ['endChildren', 'cancelAgentAsStale', 'failAsRefused'] },
  { on: sessionTaken, to: 'failed', does: ['endChildren', 'cancelAgentAsYounger', 'failAsYounger'] },
  { on: over, to: 'moved', does: ['endChildren', 'cancelAgentAsOver', 'leaveReaders'] },
  { on: agentWindowOver, to: 'failed', does: ['endChildren', 'failAsAgentGone'] },
];
/** What an accepted turn does alike, whether it streams or is parked. */
const accepting = (away: string, orphaned: string): Omit<Row<Facts>, 'in'>[] => [
  { on: token, does: ['relay'] },
  ...ending,
  { on: hostGone, to: 'abandoned', does: ['endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: hostGone, given: resumable, to: away, does: ['endCallbacks', 'releaseHost', 'armWindow'] },
  { on: hostJoined, does: ['admitHost'] },
  { on: agentGone, given: numbered, to: orphaned, does: ['releaseAgent', 'armAgentWindow'] },
  { on: observerJoined, does: ['admitObserver'] },
  { on: toolRequested, does: ['startCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const streaming: Omit<Row<Facts>, 'in'>[] = [
  ...accepting('streaming, away', 'streaming, orphaned'),
  { on: stale, to: 'failed', does: ['endChildren', 'cancelAgentAsStale', 'failAsStale'] },
  { on: pending, to: 'parked', does: ['relay', 'noteApproval'] },
  { on: pending, given: last, to: 'parked', does: ['relay', 'noteApproval'] },
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: resolved, does: ['relay'] },
];
const parked: Omit<Row<Facts>, 'in'>[] = [
  ...accepting('parked, away', 'parked, orphaned'),
  { on: pending, does: ['relay', 'noteApproval'] },
  { on: pending, given: last, does: ['relay', 'noteApproval'] },
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: resolved, given: one, to: 'streaming', does: ['relay', 'settleApproval'] },
  { on: resolved, given: two, does: ['relay', 'settleApproval'] },
  { on: resolved, given: another, does: ['relay', 'settleApproval'] },
  { on: settled, given: one, to: 'streaming', does: ['forgetApproval'] },
  { on: settled, given: two, does: ['forgetApproval'] },
  { on: settled, given: another, does: ['forgetApproval'] },
];
/** What a turn does alike whose host is away, whether it streams or is parked. */
const detached: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  ...ending.map((row) => ({
    ...row,
    ...(row.to === 'cancelling' ? { to: 'cancelling, gone' } : {}),
    does: ['disarmWindow', ...row.does],
  })),
  { on: pending, given: tooMany, does: ['dropApproval'] },
  { on: observerJoined, does: ['admitObserver'] },
  {
    on: windowOver,
    to: 'abandoned',
    does: ['disarmWindow', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'],
  },
  { on: toolRequested, does: ['startCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const streamingAway: Omit<Row<Facts>, 'in'>[] = [
  ...detached,
  { on: agentGone, given: numbered, to: 'streaming, away, orphaned', does: ['releaseAgent', 'armAgentWindow'] },
  { on: stale, to: 'failed', does: ['disarmWindow', 'endChildren', 'cancelAgentAsStale', 'failAsStale'] },
  { on: pending, to: 'parked, away', does: ['relay', 'noteApproval'] },
  { on: resolved, does: ['relay'] },
  { on: hostJoined, to: 'streaming', does: ['disarmWindow', 'admitHost'] },
];
const parkedAway: Omit<Row<Facts>, 'in'>[] = [
  ...detached,
  { on: agentGone, given: numbered, to: 'parked, away, orphaned', does: ['releaseAgent', 'armAgentWindow'] },
  { on: pending, does: ['relay', 'noteApproval'] },
  { on: resolved, given: one, to: 'streaming, away', does: ['relay', 'settleApproval'] },
  { on: resolved, given: two, does: ['relay', 'settleApproval'] },
  { on: settled, given: one, to: 'streaming, away', does: ['forgetApproval'] },
  { on: settled, given: two, does: ['forgetApproval'] },
  { on: hostJoined, to: 'parked', does: ['disarmWindow', 'admitHost'] },
];
/** How a turn ends alike that was cancelled with grace. That its agent is told no second time, its effects see to. */
const graceful: Omit<Row<Facts>, 'in'>[] = [
  { on: token, does: ['relay'] },
  { on: pending, does: ['relay'] },
  { on: resolved, does: ['relay'] },
  { on: done, to: 'done', does: ['disarmGrace', 'endChildren', 'relay'] },
  { on: error, to: 'failed', does: ['disarmGrace', 'endChildren', 'relay'] },
  { on: graceOver, to: 'cancelled', does: ['disarmGrace', 'tellCancelled'] },
  { on: cancelGently, does: ['confirmCancel', 'armGrace'] },
  { on: cancel, to: 'cancelled', does: ['disarmGrace', 'confirmCancel', 'tellCancelled'] },
  { on: drain, to: 'cancelled', does: ['disarmGrace', 'tellCancelled'] },
  { on: observerJoined, does: ['admitObserver'] },
  { on: agentGone, to: 'failed', does: ['disarmGrace', 'endChildren', 'cancelReplacedAgent', 'failAsAgentGone'] },
  {
    on: agentReplaced,
    given: numbered,
    to: 'failed',
    does: ['disarmGrace', 'endChildren', 'cancelReplacedAgent', 'failAsAgentGone'],
  },
  { on: eventLost, to: 'failed', does: ['disarmGrace', 'endChildren', 'cancelAgentAsStale', 'failAsRefused'] },
  { on: sessionTaken, to: 'failed', does: ['disarmGrace', 'endChildren', 'cancelAgentAsYounger', 'failAsYounger'] },
  { on: over, to: 'moved', does: ['disarmGrace', 'endChildren', 'cancelAgentAsOver', 'leaveReaders'] },
  { on: agentWindowOver, to: 'failed', does: ['disarmGrace', 'endChildren', 'failAsAgentGone'] },
  { on: toolRequested, does: ['refuseCallback'] },
  { on: childDone, does: ['forgetCallback'] },
  { on: childFailed, does: ['buryCallback'] },
];
const cancelling: Omit<Row<Facts>, 'in'>[] = [
  ...graceful,
  { on: hostGone, to: 'abandoned', does: ['disarmGrace', 'endChildren', 'cancelAgentAsAbandoned', 'tellAbandoned'] },
  { on: hostGone, given: logged, to: 'cancelling, gone', does: ['releaseHost'] },
  { on: hostGone, given: { ...logged, ...resumable }, to: 'cancelling, gone', does: ['releaseHost'] },
  { on: hostJoined, does: ['admitHost'] },
  { on: agentGone, given: numbered, to: 'cancelling, orphaned', does: ['releaseAgent', 'armAgentWindow'] },
];
const cancellingGone: Omit<Row<Facts>, 'in'>[] = [
  ...graceful,
  { on: hostJoined, to: 'cancelling', does: ['admitHost'] },
  { on: agentGone, given: numbered, to: 'cancelling, gone, orphaned', does: ['releaseAgent', 'armAgentWindow'] },
];
/**
 * The same turn without its agent: whatever it hears has the same effect, wherever it stands otherwise; but for what only
 * concerns the agent. Its window ends with its region: where the turn does, or where it is back.
 */
function orphaned(rows: Omit<Row<Facts>, 'in'>[], here: string, agent = 'orphaned'): Omit<Row<Facts>, 'in'>[] {
  const own = rows.filter(({ on, given }) => on !== agentGone || given === undefined);
  // It goes where its agent is.
  const goes = own.flatMap(({ on, does }) =>
    on === agentWindowOver ? [{ on: moved, to: 'moved', does: [...does.slice(0, -1), 'leaveReaders'] }] : [],
  );
  const left = [...own, ...goes].map(({ to, does, ...row }) => {
    if (to === undefined) return { ...row, does };
    if (!Object.hasOwn(FINALS, to)) return { ...row, to: `${to}, ${agent}`, does };
    // Regions are left from the last to the first: work, agent, host.
    const at = does[0] === 'disarmGrace' ? 1 : 0;
    return { ...row, to, does: does.toSpliced(at, 0, 'disarmAgentWindow') };
  });
  return [...left, { on: agentBack, to: here, does: ['disarmAgentWindow', 'admitAgent'] }];
}
/** The same since the broker was started anew. */
const recovering = (rows: Omit<Row<Facts>, 'in'>[], here: string) => orphaned(rows, here, 'recovering');
/** All of its transitions. */
export const rows: Row<Facts>[] = Object.entries({
  dispatching,
  streaming,
  parked,
  'streaming, away': streamingAway,
  'parked, away': parkedAway,
  cancelling,
  'cancelling, gone': cancellingGone,
  'streaming, orphaned': orphaned(streaming, 'streaming'),
  'parked, orphaned': orphaned(parked, 'parked'),
  'cancelling, orphaned': orphaned(cancelling, 'cancelling'),
  'streaming, away, orphaned': orphaned(streamingAway, 'streaming, away'),
  'parked, away, orphaned': orphaned(parkedAway, 'parked, away'),
  'cancelling, gone, orphaned': orphaned(cancellingGone, 'cancelling, gone'),
  opening,
  'streaming, recovering': recovering(streaming, 'streaming'),
  'parked, recovering': recovering(parked, 'parked'),
  'cancelling, recovering': recovering(cancelling, 'cancelling'),
  'streaming, away, recovering': recovering(streamingAway, 'streaming, away'),
  'parked, away, recovering': recovering(parkedAway, 'parked, away'),
  'cancelling, gone, recovering': recovering(cancellingGone, 'cancelling, gone'),
}).flatMap(([state, list]) => list.map((row) => ({ in: state, ...row })));
/** The states of the chart that are active wherever the rows say that it stands. */
export const WITHIN: Record<string, string[]> = { dispatching: ['dispatching'], opening: ['opening'] };
for (const state of Object.keys(chart.ways)) {
  if (state in WITHIN) continue;
  const [work, ...gone] = state.split(', ');
  const host = gone.find((each) => each === 'away' || each === 'gone') ?? 'here';
  const agent = gone.includes('orphaned') ? 'away' : gone.includes('recovering') ? 'recovering' : 'here';
  // What the region says of all its states holds but for where one of them knows better.
  const whole = work === 'cancelling' ? [] : ['live.work'];
  WITHIN[state] = ['live', `live.host.${host}`, `live.agent.${agent}`, ...whole, `live.work.${work}`];
}
