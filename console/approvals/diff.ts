/** One line of a change, its sign included. */
export interface DiffLine {
  kind: 'added' | 'removed' | 'same' | 'place' | 'other';
  text: string;
}

const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;
/** Lines around a change that are shown as they were. */
const AROUND = 3;

/** Whether a text is a unified diff: it has a line that says where a change is. */
export const isDiff = (text: string): boolean => text.split('\n').some((line) => HUNK.test(line));

/**
 * Reads a unified diff. What is added or removed is counted as the place says, so that a removed line which looks like a
 * file's name (`--- a`) is shown as removed, and what stands behind a change, and would not be applied, is not shown as one.
 */
export function diffLines(text: string): DiffLine[] {
  let [before, after] = [0, 0];
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      if (before <= 0 && after <= 0) {
        const place = HUNK.exec(line);
        if (!place) return { kind: 'other', text: line };
        [before, after] = [Number(place[1] ?? 1), Number(place[2] ?? 1)];
        return { kind: 'place', text: line };
      }
      const sign = line[0];
      if (sign === '\\') return { kind: 'other', text: line };
      if (sign !== '+') before -= 1;
      if (sign !== '-') after -= 1;
      return { kind: sign === '+' ? 'added' : sign === '-' ? 'removed' : 'same', text: line };
    });
}

/** What becomes of a text: what both begin and end with stays, and all between is removed and added. */
export function changed(before: string, after: string): DiffLine[] {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const most = Math.min(old.length, fresh.length);
  let head = 0;
  while (head < most && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  const same = (text: string): DiffLine => ({ kind: 'same', text: ` ${text}` });
  const left = (lines: number): DiffLine[] =>
    lines > 0
      ? [{ kind: 'place', text: `@@ ${lines} ${lines === 1 ? 'line stays as it is' : 'lines stay as they are'} @@` }]
      : [];
  return [
    ...left(head - AROUND),
    ...old.slice(Math.max(0, head - AROUND), head).map(same),
    ...old.slice(head, old.length - tail).map((text): DiffLine => ({ kind: 'removed', text: `-${text}` })),
    ...fresh.slice(head, fresh.length - tail).map((text): DiffLine => ({ kind: 'added', text: `+${text}` })),
    ...old.slice(old.length - tail, old.length - tail + AROUND).map(same),
    ...left(tail - AROUND),
  ];
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'));
