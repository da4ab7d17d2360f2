import { describe, expect, it } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, assign } from 'xstate';
import { turnMachine } from '../../machines/turn.machine.ts';
import type { TurnEvent, TurnFacts } from '../../machines/turn-events.ts';
import { turnStatusOf } from '../../machines/turn-status.ts';
import { Coverage, partOf, playWalk, type Walk, walksOf } from './support/chart-walks.ts';
import { isWhole } from './support/extent.ts';
import { TurnPlay, turnEvents } from './support/turn-play.ts';

/*
 * Every transition of the turn's chart, at the end of the shortest walk to it, against the real broker. `npm run proof`
 * tells transitions apart by all that the guards ask for too: some 3,500 walks, of which `npm test` makes 800.
 */

/** What the guards ask for, and what decides which events there can be. */
interface Facts extends TurnFacts {
  pendingApprovals: Set<string>;
  heldAsks: Set<string>;
  hasHost: boolean;
  /** A tool call that has not ended. */
  hasTool: boolean;
  isEnding: boolean;
  /** Its host has chosen the token. */
  isChosen: boolean;
  isAgentAway: boolean;
}

type Change = (facts: Facts, event: never) => Partial<Facts>;
const note = (change: Change) =>
  assign(({ context, event }: { context: { turn: Facts }; event: unknown }) => ({
    turn: { ...context.turn, ...change(context.turn, event as never) },
  }));
const without = (ids: Set<string>, id: string) => new Set([...ids].filter((other) => other !== id));
type Asks = { type: string; params: { kind: string; approval_id: string } };

const release = ({ heldTerminal, isEnding, heldAsks }: Facts) => ({
  pendingApprovals: heldTerminal !== undefined || isEnding ? new Set<string>() : heldAsks,
});
/** The chart itself; its actions do nothing but note what they would have changed. */
const chart = (isResumable: boolean) =>
  (turnMachine as AnyStateMachine).provide({
    actions: {
      hold: note(({ heldTerminal, heldAsks }, { type, params }: Asks) => {
        if (heldTerminal !== undefined) return {};
        if (type === 'turn.terminal') return { heldTerminal: params.kind };
        if (type === 'approval.pending') return { heldAsks: new Set(heldAsks).add(params.approval_id) };
        return type === 'approval.resolved' ? { heldAsks: without(heldAsks, params.approval_id) } : {};
      }),
      acceptChat: note(() => ({ hasLog: isResumable, mayDetach: isResumable })),
      releaseHeld: note((facts) => ({ ...release(facts), ...(facts.heldTerminal ? { hasTool: false } : {}) })),
      noteApproval: note(({ pendingApprovals }, { params }: Asks) => ({
        pendingApprovals: new Set(pendingApprovals).add(params.approval_id),
      })),
      settleApproval: note(({ pendingApprovals }, { params }: Asks) => ({
        pendingApprovals: without(pendingApprovals, params.approval_id),
      })),
      forgetApproval: note(({ pendingApprovals }, { approvalId }: { approvalId: string }) => ({
        pendingApprovals: without(pendingApprovals, approvalId),
      })),
      holdCallback: note(() => ({ hasTool: true })),
      startCallback: note(() => ({ hasTool: true })),
      forgetCallback: note(() => ({ hasTool: false })),
      endChildren: note(() => ({ isEnding: true, hasTool: false, pendingApprovals: new Set<string>() })),
      releaseHost: note(() => ({ hasHost: false })),
      releaseAgent: note(() => ({ isAgentAway: true })),
      admitAgent: note(() => ({ isAgentAway: false })),
      joinAskers: note(() => ({ hasHost: true })),
      admitHost: note(() => ({ hasHost: true })),
    },
  }) as AnyStateMachine;

const facts: Facts = {
  id: 't',
  sessionId: 's',
  agentId: 'echo',
  pendingApprovals: new Set(),
  maxPendingApprovals: 2,
  heldBytes: 0,
  maxHeldBytes: 2_000,
  heldTerminal: undefined,
  hasLog: false,
  mayDetach: false,
  heldAsks: new Set(),
  hasHost: true,
  hasAgent: true,
  isKept: false,
  isRestored: false,
  isCancelled: false,
  hasTool: false,
  isEnding: false,
  isChosen: false,
  resumes: false,
  isAgentAway: false,
};

type Script = Omit<Parameters<typeof TurnPlay.start>[0], 'isSilent'>;
type Name = keyof typeof turnEvents;
const everyName = Object.keys(turnEvents) as Name[];

/** What can happen while the agent is away: its window is over before anything that takes longer. */
const WITHOUT_AGENT: ReadonlySet<Name> = new Set([
  ...(['cancel', 'cancel gently', 'host goes', 'drain', 'agent back', 'agent window over'] as const),
]);

/** Whether this can happen at all, whatever the chart makes of it. */
function canHappen(
  name: Name,
  state: string,
  { pendingApprovals, heldAsks, hasHost, hasLog, hasTool, isChosen, resumes, isAgentAway }: Facts,
): boolean {
  if (isAgentAway && !WITHOUT_AGENT.has(name)) return false;
  const asked = state === 'dispatching' ? heldAsks : pendingApprovals;
  switch (name) {
    case 'ask a':
      return asked.size === 0;
    case 'ask b':
      return asked.has('a') && !asked.has('b') && !hasTool;
    case 'ask c':
      return asked.size === 2 && state !== 'dispatching';
    case 'settle a':
      return asked.has('a') || state === 'streaming' || state === 'cancelling';
    case 'answer a':
      return asked.has('a');
    case 'settle b':
    case 'answer b':
      return asked.has('b');
    case 'host goes':
      return hasHost;
    case 'host comes':
      return hasLog || (isChosen && state === 'dispatching');
    case 'observer comes':
      return hasLog;
    case 'window over':
      return state === 'detached' && !hasTool;
    case 'tool call':
      return hasHost && !hasTool && !asked.has('b');
    // Before the ack the host has not been asked; and one that goes takes its calls with it.
    case 'tool ends':
      return hasTool && state !== 'dispatching';
    case 'agent back':
    case 'agent window over':
      return isAgentAway && !hasTool;
    case 'lost event':
      return resumes && state !== 'dispatching';
    case 'agent replaced':
      return !isAgentAway;
    case 'silence':
      return !hasTool;
    case 'flood':
    case 'flood of an end':
    case 'flood of a question':
    case 'flood of an answer':
      return state === 'dispatching';
    default:
      return !(state === 'detached' && hasTool);
  }
}

const turnOf = ({ context }: AnyMachineSnapshot) => context.turn as Facts;
const nameOf = (event: TurnEvent) => everyName.find((name) => turnEvents[name] === event) ?? event.type;
const walks = ({ isResumable, isChosen, isNumbered }: Script): Walk<TurnEvent>[] =>
  walksOf<TurnEvent>(chart(isResumable), {
    input: { turn: { ...facts, isChosen, mayDetach: isChosen, resumes: isNumbered } },
    events: (snapshot) =>
      everyName
        .filter((name) => canHappen(name, turnStatusOf(snapshot.value), turnOf(snapshot)))
        .map((name) => turnEvents[name]),
    name: nameOf,
    standing: ({ value }) => turnStatusOf(value),
    facts: (snapshot) => {
      const { pendingApprovals, heldAsks, heldTerminal, hasHost, hasTool, hasLog, isAgentAway } = turnOf(snapshot);
      // What came before a terminal that overtook the ack waits for nothing any more.
      if (heldTerminal !== undefined) return heldTerminal;
      return JSON.stringify([
        [...pendingApprovals].sort(),
        [...heldAsks].sort(),
        heldTerminal,
        hasHost,
        hasTool,
        hasLog,
        isAgentAway,
      ]);
    },
  });

describe('the chart of a turn', () => {
  const coverage = new Coverage();

  it.each([
    ['that ends with its host', {}],
    ['that waits for its host', { isResumable: true }],
    ['that waits for its host from the first moment on', { isResumable: true, isChosen: true }],
    ['that waits for its agent', { isNumbered: true }],
  ])('holds on walks to every transition of a turn %s', { timeout: 300_000 }, async (_what, how) => {
    const script = { isResumable: false, isChosen: false, isNumbered: false, ...how };
    const all = walks(script);
    for (const walk of isWhole ? all : partOf(all, nameOf)) {
      const isSilent = walk.steps.some(({ event }) => event === turnEvents.silence);
      await playWalk(walk, () => TurnPlay.start({ ...script, isSilent }, coverage));
    }
  });

  it('has no other transitions than those, but what no client can bring about', () => {
    // What needs a journal, or a life before: test/broker/restart/, and test/proof/restart.test.ts; and what needs another
    // broker: test/broker/cluster/moving.test.ts, handover.test.ts and session-conflicts.test.ts beside it.
    const needsMore =
      /^(begun|opening) › |isKeptAcceptance$|^live\.agent\.(accepted|recovering) › | › (turn\.moved|turn\.over|session\.taken)$/;
    expect(coverage.missing(turnMachine).filter((name) => !needsMore.test(name))).toEqual([
      // Another's turns take the place: test/broker/resume/resume-chosen-waiting.test.ts.
      'dispatching › window.expired',
      // A fault of ours: test/broker/turns/laws-isolation-children.test.ts.
      'live › child.failed',
      // Whoever streams waits for nobody: there is room for one approval more.
      'live.work.streaming › approval.pending else',
    ]);
  });
});
