import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../../actors/kernel/deadlines.ts';
import { Orphans } from '../../actors/turns/orphans.ts';
import { AgentLine } from '../../actors/turns/resume/agent-line.ts';
import { TurnLog } from '../../actors/turns/resume/turn-log.ts';
import { comebacks, playComeback } from './support/comeback/histories.ts';

/*
 * The laws of comeback-histories.test.ts can be broken: the broker is, in one place at a time, and some history notices. In a
 * process of its own, for modules are changed here.
 */

/** How many histories may pass before one notices. */
const PATIENCE = 400;

const broken = vi.hoisted(() => ({ now: '' }));

// biome-ignore lint/suspicious/noExplicitAny: whatever a module has
type Anything = any;
function real(original: () => Promise<unknown>): Promise<Anything> {
  return original();
}

vi.mock('../../actors/turns/turn-relay.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    relay: (kernel: Anything, source: Anything, turn: Anything, params: Anything, bytes: number) => {
      const isWrong = broken.now === 'a word is changed' && params.delta?.endsWith('7 ');
      module.relay(kernel, source, turn, isWrong ? { ...params, delta: 'x' } : params, bytes);
      if (broken.now === 'an end is sent twice' && params.kind === 'done') {
        module.relay(kernel, source, turn, params, bytes);
      }
    },
  };
});

vi.mock('../../actors/turns/agent-resume.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    leaveTurns: (kernel: Anything, client: Anything, code: Anything, mayReturn: boolean) =>
      module.leaveTurns(kernel, client, code, mayReturn && broken.now !== 'no agent may come back'),
  };
});

vi.mock('../../actors/turns/agent-acks.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    noteArrival: (...args: Anything[]) => {
      if (broken.now !== 'nothing is acknowledged') module.noteArrival(...args);
    },
  };
});

vi.mock('../../actors/turns/turn-agent.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    admitAgent: (kernel: Anything, source: Anything, turn: Anything, client: Anything, missed: Anything) => {
      const isWrong = broken.now === 'what stands for lost events is cut' && missed?.text.length > 1;
      module.admitAgent(kernel, source, turn, client, isWrong ? { ...missed, text: missed.text.slice(1) } : missed);
    },
    releaseAgent: (kernel: Anything, source: Anything, turn: Anything) => {
      module.releaseAgent(kernel, source, turn);
      if (broken.now === 'a running call is not found again') turn.callbacks.clear();
    },
  };
});

vi.mock('../../actors/turns/tool-answers.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    forgetAnswers: (turn: Anything) => {
      if (broken.now !== 'kept answers are not forgotten') module.forgetAnswers(turn);
    },
  };
});

vi.mock('../../actors/turns/tool-waits.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    askWaiting: (source: Anything, turn: Anything) => {
      if (broken.now !== 'a host that is back is not asked') module.askWaiting(source, turn);
    },
  };
});

vi.mock('../../actors/tools/callback.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    startCallback: (kernel: Anything, parent: Anything, callback: Anything) => {
      if (broken.now === 'each attempt is the first') callback.spec.attempt = 1;
      module.startCallback(kernel, parent, callback);
    },
  };
});

vi.mock('../../actors/approvals/approval.ts', async (original) => {
  const module = await real(original);
  return {
    ...module,
    answerApproval: (kernel: Anything, approval: Anything, answer: Anything) => {
      module.answerApproval(kernel, approval, answer);
      const { chat } = approval.spec;
      if (broken.now !== 'a decision is told twice' || !chat?.turn.speaker) return;
      const params = { session_id: chat.turn.sessionKey, approval_id: chat.approvalId, decision: answer.approve };
      chat.turn.agent.ref.send({ type: 'rpc.call', id: 'again', method: 'agent.chat.approve', params });
    },
  };
});

const take = AgentLine.prototype.take;
/** Breaks how an agent's numbers are read. */
function takesOtherwise(change: (line: AgentLine, aseq: number, arrival: string) => string): void {
  vi.spyOn(AgentLine.prototype, 'take').mockImplementation(function (this: AgentLine, aseq, isTerminal) {
    const arrival = take.call(this, aseq, isTerminal);
    return change(this, Number(aseq), arrival) as ReturnType<typeof take>;
  });
}

/** Each with what some history says of it. */
const BREAKS: readonly [string, RegExp, (() => void)?][] = [
  ['a word is changed', /has not said there/],
  ['an end is sent twice', /after the terminal/],
  ['no agent may come back', /nothing has ended it|which nothing explains/],
  ['nothing is acknowledged', /never let go of/],
  ['a running call is not found again', /while it waits for it already|no answer|expected/],
  ['kept answers are not forgotten', /expected \d+ to be \+?0/],
  ['a host that is back is not asked', /has no answer|never answered/],
  ['what stands for lost events is cut', /has not said there/],
  ['each attempt is the first', /as if for the first time/],
  ['a decision is told twice', /twice at once/],
  [
    'an event is taken twice',
    /has not said|after|the end/,
    () => takesOtherwise((_line, _aseq, arrival) => (arrival === 'again' ? 'next' : arrival)),
  ],
  [
    'an event is taken too early',
    /has not said/,
    () =>
      takesOtherwise((line, aseq, arrival) => {
        if (arrival !== 'gap') return arrival;
        line.restart(aseq);
        return 'next';
      }),
  ],
  [
    'what is missing is not asked for',
    /event_refused, which nothing explains/,
    () => takesOtherwise((_line, _aseq, arrival) => (arrival === 'gap' ? 'ahead' : arrival)),
  ],
  [
    'what has not come is acknowledged',
    /an ack of/,
    () =>
      takesOtherwise((line, aseq, arrival) => {
        if (arrival === 'next' && aseq % 3 === 0) line.restart(aseq + 1);
        return arrival;
      }),
  ],
  [
    'a log has an event less',
    /after|has not said/,
    () => {
      const add = TurnLog.prototype.addToken;
      vi.spyOn(TurnLog.prototype, 'addToken').mockImplementation(function (this: TurnLog, ...args) {
        if (!args[0].endsWith('5 ')) add.apply(this, args);
      });
    },
  ],
  [
    'no deadline is disarmed',
    /which nothing explains|deadlines/,
    () => vi.spyOn(Deadlines.prototype, 'disarm').mockImplementation(() => {}),
  ],
  [
    'an orphan is not forgotten',
    /which nothing explains|nothing has ended it|expected \d+ to be \+?0/,
    () => vi.spyOn(Orphans.prototype, 'delete').mockImplementation(() => {}),
  ],
];

/** Where not the first: from there it is not noticed for long. */
const SEEDS: Record<string, number> = { 'what is missing is not asked for': 14 };

describe('the laws of turns that come back', () => {
  beforeEach(() => {
    broken.now = '';
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(BREAKS)('notice that %s', { timeout: 120_000 }, async (what, words, change) => {
    broken.now = what;
    change?.();
    const property = fc.asyncProperty(comebacks, (history) => playComeback(history).then(() => {}));
    const seed = SEEDS[what] ?? 1;
    const { failed, errorInstance } = await fc.check(property, { seed, numRuns: PATIENCE, endOnFailure: true });
    expect(failed).toBe(true);
    expect(String(errorInstance)).toMatch(words);
  });
});
