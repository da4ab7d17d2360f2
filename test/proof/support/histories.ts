import { inspect } from 'node:util';
import fc from 'fast-check';
import { HistoryPlay } from './history-play.ts';

type Methods = Omit<HistoryPlay, 'end'>;
/** One step of a history: a method of the play, and what it is called with. */
export type Step = { [M in keyof Methods]: [M, ...Parameters<Methods[M]>] }[keyof Methods];

const host = fc.constantFrom('ann' as const, 'bob' as const, 'cyd' as const, 'boss' as const);
// One most of the time, so that they meet.
const agent = fc.constantFrom('north' as const, 'north' as const, 'north' as const, 'south' as const);
const session = fc.constantFrom('s' as const, 's' as const, 's' as const, 't' as const);
const approval = fc.constantFrom('a', 'b');
const be = fc.constant;

const chatHow = fc.record({
  busy: fc.constantFrom('reject' as const, 'replace' as const, 'queue' as const),
  resumable: fc.boolean(),
});
const subscribeHow = fc.record({
  role: fc.constantFrom('controller' as const, 'controller' as const, 'observer' as const),
  known: fc.constantFrom(0, 0, 0.5, 1, 2),
  token: fc.constantFrom(true, true, true, false),
  claim: fc.constantFrom(undefined, 'x', 'x', 'y'),
  unlessTaken: fc.constantFrom(false, false, true),
});
const of = fc.constantFrom('any' as const, 'any' as const, 'live' as const, 'another' as const);
const says = {
  token: fc.tuple(be('agentSays' as const), agent, session, be('token' as const), fc.constantFrom('x', 'y', 'z'), of),
  mood: fc.tuple(be('agentSays' as const), agent, session, be('mood' as const), be('good'), of),
  ask: fc.tuple(be('agentSays' as const), agent, session, be('ask' as const), approval, of),
  settle: fc.tuple(be('agentSays' as const), agent, session, be('settle' as const), approval, of),
  end: fc.tuple(
    be('agentSays' as const),
    agent,
    session,
    fc.constantFrom('done' as const, 'error' as const, 'auth_required' as const),
    be('said'),
    of,
  ),
};
const answer = fc.constantFrom(
  'accepts' as const,
  'accepts' as const,
  'accepts' as const,
  'refuses' as const,
  'fails' as const,
);

const weighted = <S>(weight: number, arbitrary: fc.Arbitrary<S>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(10, fc.tuple(be('chat' as const), host, session, agent, chatHow)),
  weighted(12, fc.tuple(be('agentAnswers' as const), agent, answer)),
  weighted(10, says.token),
  weighted(2, says.mood),
  weighted(5, says.ask),
  weighted(3, says.settle),
  weighted(4, says.end),
  weighted(4, fc.tuple(be('cancel' as const), host, session, fc.constantFrom(0, 2_000, 4_000))),
  weighted(5, fc.tuple(be('approve' as const), host, session, approval, fc.boolean())),
  weighted(
    5,
    fc.tuple(
      be('agentAnswersApprove' as const),
      agent,
      fc.constantFrom('yes' as const, 'no' as const, 'error' as const),
    ),
  ),
  weighted(7, fc.tuple(be('subscribe' as const), host, session, subscribeHow)),
  weighted(2, fc.tuple(be('unsubscribe' as const), host, session)),
  weighted(1, fc.tuple(be('hostLags' as const), host, fc.constantFrom(true, false, false))),
  weighted(
    6,
    fc.tuple(
      be('agentUsesTool' as const),
      agent,
      session,
      fc.constantFrom('clock' as const, 'clock' as const, 'unknown' as const),
    ),
  ),
  weighted(4, fc.tuple(be('hostAnswersTool' as const), host, fc.boolean())),
  weighted(2, fc.tuple(be('hostReportsProgress' as const), host)),
  weighted(2, fc.tuple(be('agentWithdrawsTool' as const), agent)),
  weighted(5, fc.tuple(be('hostGoes' as const), host, fc.boolean())),
  weighted(8, fc.tuple(be('hostComes' as const), host)),
  weighted(2, fc.tuple(be('agentGoes' as const), agent)),
  weighted(4, fc.tuple(be('agentComes' as const), agent)),
  weighted(6, fc.tuple(be('wait' as const), fc.constantFrom(20, 1_000, 1_000, 2_500, 2_500, 5_000, 12_000, 30_000))),
);

/** What rarely comes about step by step: a chat that is accepted, and may be resumed, and waits for somebody. */
const scene: fc.Arbitrary<Step[]> = fc
  .record({
    host,
    session,
    agent,
    approval,
    resumable: fc.constantFrom(true, true, false),
    sequel: fc.constantFrom('nothing', 'tool', 'question', 'answer', 'grace', 'second grace'),
  })
  .map(({ host, session, agent, approval, resumable, sequel }) => {
    const steps: Step[] = [
      ['hostComes', host],
      ['chat', host, session, agent, { busy: 'replace', resumable }],
      ['agentAnswers', agent, 'accepts'],
    ];
    if (sequel === 'tool') steps.push(['agentUsesTool', agent, session, 'clock']);
    if (sequel === 'question' || sequel === 'answer') steps.push(['agentSays', agent, session, 'ask', approval]);
    if (sequel === 'answer') steps.push(['approve', host, session, approval, true]);
    if (sequel === 'grace') steps.push(['cancel', host, session, 2_000]);
    if (sequel === 'second grace') steps.push(['cancel', host, session, 2_000], ['cancel', host, session, 4_000]);
    return steps;
  });

/** What happens to a broker, at random: short histories and long ones. */
export const histories: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      weighted(1, scene),
      weighted(
        14,
        step.map((only) => [only]),
      ),
    ),
    { minLength: 1, maxLength: 80, size: 'max' },
  )
  .map((parts) => parts.flat());

/** Leaves out each step without which a history still fails, again and again until none is left. */
export async function shorten(history: readonly Step[]): Promise<Step[]> {
  let shortest = [...history];
  for (let before = 0; before !== shortest.length; ) {
    before = shortest.length;
    for (let index = before - 1; index >= 0; index -= 1) {
      const shorter = shortest.toSpliced(index, 1);
      if (await fails(shorter)) shortest = shorter;
    }
  }
  return shortest;
}

/** Plays a history to the end. @throws where broker and model do not agree */
export async function playHistory(steps: readonly Step[]): Promise<void> {
  const play = await HistoryPlay.start();
  for (const [method, ...args] of steps) {
    await (play[method] as (...args: unknown[]) => Promise<void>).apply(play, args);
  }
  await play.end();
}

const fails = (history: readonly Step[]): Promise<boolean> =>
  playHistory(history).then(
    () => false,
    () => true,
  );

/** A history as a test, ready to be put into `test/proof/regressions/`. */
export function scriptOf(steps: readonly Step[]): string {
  const show = (value: unknown) => inspect(value, { breakLength: Number.POSITIVE_INFINITY });
  const lines = steps.map(([method, ...args]) => `  await play.${method}(${args.map(show).join(', ')});`);
  return [
    "it('…', async () => {",
    '  const play = await HistoryPlay.start();',
    ...lines,
    '  await play.end();',
    '});',
  ].join('\n');
}
