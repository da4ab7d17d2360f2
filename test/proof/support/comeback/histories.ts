import fc from 'fast-check';
import { ComebackPlay } from './play.ts';

type Methods = Omit<ComebackPlay, 'end' | 'broker' | 'counts'>;
/** One step of a history: a method of the play, and what it is called with. */
export type ComebackStep = { [M in keyof Methods]: [M, ...Parameters<Methods[M]>] }[keyof Methods];

const be = fc.constant;
const host = fc.constantFrom('ann' as const, 'ann' as const, 'bob' as const);
const session = fc.constantFrom('s' as const, 's' as const, 's' as const, 't' as const);
const role = fc.constantFrom('controller' as const, 'controller' as const, 'observer' as const);
const from = fc.constantFrom('own' as const, 'own' as const, 'start' as const, 'beyond' as const, 0.5);
const coming = fc.constantFrom(
  ...Array<'all'>(30).fill('all'),
  ...(['late', 'late', 'some', 'another process', 'without resume'] as const),
);
const saying = fc.constantFrom(
  ...(['token', 'token', 'token', 'token', 'token', 'mood', 'unreadable', 'withheld', 'withheld'] as const),
);

const weighted = <S>(weight: number, arbitrary: fc.Arbitrary<S>) => ({ weight, arbitrary });
const step: fc.Arbitrary<ComebackStep> = fc.oneof(
  weighted(14, fc.tuple(be('open' as const), host, session)),
  weighted(30, fc.tuple(be('say' as const), session, saying)),
  weighted(1, fc.tuple(be('say' as const), session, be('done' as const))),
  weighted(4, fc.tuple(be('repeat' as const), session, fc.integer({ min: 1, max: 5 }))),
  weighted(3, fc.tuple(be('letGo' as const), session, fc.integer({ min: 1, max: 4 }))),
  weighted(4, fc.tuple(be('ask' as const), session)),
  weighted(5, fc.tuple(be('approve' as const), host, session, fc.boolean())),
  weighted(5, fc.tuple(be('agentDecides' as const), fc.constantFrom(false, false, true))),
  weighted(5, fc.tuple(be('useTool' as const), session)),
  weighted(3, fc.tuple(be('againTool' as const), session, fc.constantFrom('again' as const, 'withdraw' as const))),
  weighted(5, fc.tuple(be('hostAnswersTool' as const), host)),
  weighted(7, fc.tuple(be('agentGoes' as const), fc.constantFrom(...Array<'cut'>(15).fill('cut'), 'close' as const))),
  weighted(12, fc.tuple(be('agentComes' as const), coming)),
  weighted(3, fc.tuple(be('agentNames' as const))),
  weighted(
    4,
    fc.tuple(be('hostGoes' as const), host, fc.constantFrom('cut' as const, 'cut' as const, 'dies' as const)),
  ),
  weighted(8, fc.tuple(be('hostComes' as const), host)),
  weighted(8, fc.tuple(be('subscribe' as const), host, session, role, from)),
  weighted(2, fc.tuple(be('cancel' as const), host, session, fc.constantFrom(0, 2_000, 2_000))),
  weighted(7, fc.tuple(be('wait' as const), fc.constantFrom(60, 60, 500, 1_000, 2_500, 4_000, 9_000))),
);

/** What rarely comes about step by step. */
const scene: fc.Arbitrary<ComebackStep[]> = fc
  .record({ host, session, isYes: fc.boolean(), isLost: fc.boolean(), cut: fc.constantFrom('agent', 'host', 'both') })
  .chain(({ host, session, isYes, isLost, cut }) => {
    const cuts: ComebackStep[] = [];
    if (cut !== 'host') cuts.push(['agentGoes', 'cut']);
    if (cut !== 'agent') cuts.push(['hostGoes', host, 'cut']);
    const backs: ComebackStep[] = [
      ['agentComes', 'all'],
      ['hostComes', host],
      ['subscribe', host, session, 'controller', 'own'],
    ];
    return fc.constantFrom<ComebackStep[]>(
      [
        ['useTool', session],
        ['agentGoes', 'cut'],
        ['hostAnswersTool', host],
        ['agentComes', 'another process'],
      ],
      [
        ['say', session, 'withheld'],
        ['say', session, 'token'],
        ['say', session, 'token'],
      ],
      [['ask', session], ['approve', host, session, isYes], ['agentDecides', isLost], ...backs],
      [['ask', session], ['approve', host, session, isYes], ...cuts, ...backs, ['approve', host, session, !isYes]],
      [['useTool', session], ...cuts, ...backs],
      [['useTool', session], ...cuts, ['hostAnswersTool', host], ...backs],
      [
        ['useTool', session],
        ['hostAnswersTool', host],
        ['againTool', session, 'again'],
      ],
      [['say', session, 'withheld'], ['say', session, 'token'], ...cuts, ['say', session, 'token'], ...backs],
      [['say', session, 'token'], ['say', session, 'done'], ...cuts, ...backs],
      [...cuts, ['say', session, 'token'], ['say', session, 'mood'], ['letGo', session, 2], ...backs],
      [['say', session, 'token'], ['agentGoes', 'cut'], ['say', session, 'token'], ['letGo', session, 4], ...backs],
    );
  });

/** What happens to turns whose agents and hosts come and go, at random: short histories and long ones. */
export const comebacks: fc.Arbitrary<ComebackStep[]> = fc
  .array(
    fc.oneof(
      weighted(
        12,
        step.map((only) => [only]),
      ),
      weighted(1, scene),
    ),
    { minLength: 1, maxLength: 70, size: 'max' },
  )
  .map((parts) => [['open', 'ann', 's'], ...parts.flat()]);

/** Plays a history to the end. @returns how often what has happened. @throws where a law is broken */
export async function playComeback(steps: readonly ComebackStep[]): Promise<ReadonlyMap<string, number>> {
  const play = await ComebackPlay.start();
  for (const [method, ...args] of steps) {
    await (play[method] as (...args: unknown[]) => Promise<void>).apply(play, args);
  }
  await play.end();
  return play.counts;
}
