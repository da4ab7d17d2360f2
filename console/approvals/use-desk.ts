import { useEffect, useMemo, useReducer, useRef } from 'preact/hooks';
import type { ApprovalRow } from '../../client/browser.ts';
import { approvals, pending } from '../approval-rows.ts';
import { isFeedLive } from '../host-feed.ts';
import { decide } from './decide.ts';
import { afterAnswer, type Group, groupsOf, groupWith, matches, readOnce, stepFrom } from './groups.ts';

/** Answered ones that stay where they were until somebody does something. */
const MAX_STAYING = 50;

/** What is on the desk, and what a person does there. */
export interface Desk {
  /** Those that fit the filter. */
  groups: readonly Group[];
  /** The one that is looked at. It changes when the person does something, or when nothing else waits. */
  shown: ApprovalRow | undefined;
  /** Others that wait and are the same as it. */
  alike: readonly ApprovalRow[];
  /** Those that were answered before somebody looked, the newest first. */
  earlier: readonly ApprovalRow[];
  /** Why an answer did not decide. */
  problemOf(id: string): string;
  isBusy(id: string): boolean;
  choose(id: string): void;
  /** To the next that waits, below or above. */
  step(step: 1 | -1): void;
  /** Answers this one; then the next is looked at. */
  answer(row: ApprovalRow, resolution: string): Promise<void>;
  /** Something of these was answered: the next is looked at. */
  moveOn(id: string): void;
  /** What was answered, and is not looked at, leaves. */
  tidy(): void;
}

/** @param onAnswered it was answered here. @param onFailed it was not, and somebody looks at another one by now. */
export function useDesk(
  filter: string,
  onAnswered: (row: ApprovalRow, title: string, status: string) => void,
  onFailed: (title: string, problem: string) => void,
): Desk {
  const seen = useRef(new Set<string>());
  const chosen = useRef<string | undefined>(undefined);
  const hadWaiting = useRef(false);
  const busy = useRef(new Set<string>());
  const problems = useRef(new Map<string, string>());
  const [drawn, redraw] = useReducer((times: number, _: undefined) => times + 1, 0);

  const rows = approvals.value;
  for (const { id } of pending.value) seen.current.add(id);
  const all = useMemo(() => groupsOf(upper([...rows.values()], seen.current)), [rows, drawn]);
  const groups = useMemo(() => all.filter((group) => matches(group, filter)), [all, filter]);
  const earlier = useMemo(() => {
    const above = new Set(all.flatMap(({ waiting, settled }) => [...waiting, ...settled]));
    return [...rows.values()].filter((row) => !above.has(row)).reverse();
  }, [all]);
  useEffect(() => {
    // Of what the daemon has forgotten, nobody needs to know that it was here.
    for (const id of seen.current) if (!rows.has(id)) seen.current.delete(id);
    for (const id of problems.current.keys()) if (rows.get(id)?.status !== 'pending') problems.current.delete(id);
  }, [rows]);

  const first = groups.find(({ waiting }) => waiting.length > 0)?.waiting[0];
  const known = chosen.current === undefined ? undefined : rows.get(chosen.current);
  // Whoever has answered all of it is shown what comes next; nobody is led away from what they read while others wait.
  if (!known || (known.status !== 'pending' && !hadWaiting.current && first)) chosen.current = first?.id;
  if (isFeedLive.value) hadWaiting.current = pending.value.length > 0;
  const shown = chosen.current === undefined ? undefined : rows.get(chosen.current);

  useEffect(() => {
    if (first && !groupWith(groups, chosen.current)) choose(first.id);
  }, [filter]);

  const choose = (id: string | undefined) => {
    if (id !== undefined) chosen.current = id;
    redraw(undefined);
  };
  const tidy = () => {
    for (const id of seen.current) {
      const row = approvals.peek().get(id);
      if (row && row.status !== 'pending' && id !== chosen.current) seen.current.delete(id);
    }
    redraw(undefined);
  };
  const moveOn = (id: string) => {
    // Whoever looks at another one by now is left there.
    if (chosen.current !== id) return;
    const next = afterAnswer(current.current, id);
    tidy();
    choose(next?.id);
  };
  const answer = async (row: ApprovalRow, resolution: string) => {
    if (busy.current.has(row.id) || approvals.peek().get(row.id)?.status !== 'pending') return;
    busy.current.add(row.id);
    problems.current.delete(row.id);
    redraw(undefined);
    const outcome = await decide(row.id, resolution);
    busy.current.delete(row.id);
    if (outcome.isDecided) {
      moveOn(row.id);
      return onAnswered(row, readOnce(row).title, outcome.status);
    }
    problems.current.set(row.id, outcome.problem);
    if (chosen.current !== row.id) onFailed(readOnce(row).title, outcome.problem);
    redraw(undefined);
  };
  // As they are when the answer is there, not when it was given.
  const current = useRef(groups);
  current.current = groups;

  return {
    groups,
    shown,
    alike: (shown && groupWith(all, shown.id)?.waiting.filter(({ id }) => id !== shown.id)) ?? [],
    earlier,
    problemOf: (id) => problems.current.get(id) ?? '',
    isBusy: (id) => busy.current.has(id),
    choose,
    step: (step) => {
      const next = stepFrom(groups, chosen.current, step);
      if (next) chosen.current = next.id;
      tidy();
    },
    answer,
    moveOn,
    tidy,
  };
}

/** The pending ones, and those that were when somebody looked: a row that is answered stays where it is, greyed out. */
function upper(rows: readonly ApprovalRow[], seen: ReadonlySet<string>): ApprovalRow[] {
  const shown = rows.filter(({ id }) => seen.has(id));
  let surplus = shown.filter(({ status }) => status !== 'pending').length - MAX_STAYING;
  return shown.filter(({ status }) => status === 'pending' || surplus-- <= 0);
}

/** How one ended that was answered elsewhere, or by nobody. */
export function endWords({ status }: ApprovalRow): string {
  switch (status) {
    case 'expired':
      return 'nobody answered in time';
    case 'withdrawn':
      return 'withdrawn: whoever asked does not wait any more';
    default:
      return `${status} by somebody else`;
  }
}
