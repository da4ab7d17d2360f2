import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changed, diffLines, isDiff } from '../../console/approvals/diff.ts';
import { partsOf } from '../../console/approvals/parts.ts';
import { typed } from '../../console/approvals/shell.ts';

const signs = (lines: readonly { kind: string }[]) => lines.map(({ kind }) => kind);

describe('commands', () => {
  it('a program and its arguments › as one would type them, each argument told from the next', () => {
    expect(typed(['bash', '-lc', "echo 'a b' && rm -rf /", ''])).toBe(`bash -lc 'echo '\\''a b'\\'' && rm -rf /' ''`);
  });

  it.each([
    [{ command: 'ls\nrm x' }, { name: 'command', commands: ['ls\nrm x'] }],
    [{ command: ['ls', 'a b'] }, { name: 'command', commands: ["ls 'a b'"] }],
    [
      { command: 'git', args: ['push', '-f'] },
      { name: 'command + args', commands: ['git push -f'] },
    ],
    [{ commands: ['ls', 'rm x'] }, { name: 'commands', commands: ['ls', 'rm x'] }],
    [{ input: { cmd: 'ls' } }, { name: 'input.cmd', commands: ['ls'] }],
  ])('%j', (told, part) => {
    expect(partsOf(told)).toEqual({ parts: [{ kind: 'shell', ...part }], others: '' });
  });

  it('what else is asked for stays in sight; what is no command is none', () => {
    const { others } = partsOf({ command: 'make', env: { LD_PRELOAD: 'x.so' } });
    expect(JSON.parse(others)).toEqual({ env: { LD_PRELOAD: 'x.so' } });
    for (const told of [{ command: 7 }, { command: [] }, { command: ['a', 7] }, { command: '' }, 'ls', null]) {
      expect(partsOf(told).parts).toEqual([]);
    }
  });
});

describe('changes', () => {
  it('a unified diff › line by line, by its sign', () => {
    const text = '--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ f\n one\n-two\n+TWO\n three\n\\ No newline at end of file\n';
    expect(isDiff(text)).toBe(true);
    const lines = diffLines(text);
    expect(signs(lines)).toEqual(['other', 'other', 'place', 'same', 'removed', 'added', 'same', 'other']);
    expect(`${lines.map((line) => line.text).join('\n')}\n`).toBe(text);
  });

  it('a removed line that looks like a file’s name › is removed; what stands behind a change is none', () => {
    const lines = diffLines('@@ -1,2 +0,0 @@\n--- a\n-b\n+never applied');
    expect(signs(lines)).toEqual(['place', 'removed', 'removed', 'other']);
  });

  it('a text and what is to stand in its place › with three lines around it', () => {
    const before = [...'abcdefghi'].join('\n');
    expect(changed(before, before.replace('e', 'E\nE2')).map(({ text }) => text)).toEqual([
      '@@ 1 line stays as it is @@',
      ...[' b', ' c', ' d', '-e', '+E', '+E2', ' f', ' g', ' h'],
      '@@ 1 line stays as it is @@',
    ]);
    expect(signs(changed('', 'new'))).toEqual(['added']);
    expect(signs(changed('old', ''))).toEqual(['removed']);
  });

  it('whatever two texts are › what was removed and what stays make the one, what was added and stays the other', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 6 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = changed(before, after);
        const made = (kind: string) =>
          lines.filter((line) => line.kind === kind || line.kind === 'same').map((line) => line.text.slice(1));
        // Those far from the change are counted, not shown.
        const far = lines.filter(({ kind }) => kind === 'place').map((line) => Number(/\d+/.exec(line.text)?.[0]));
        const hidden = far.reduce((sum, one) => sum + one, 0);
        const counted = (whole: string) => (whole === '' ? 0 : whole.split('\n').length);
        expect(made('removed').length + hidden).toBe(counted(before));
        expect(made('added').length + hidden).toBe(counted(after));
        if (hidden === 0) expect([made('removed').join('\n'), made('added').join('\n')]).toEqual([before, after]);
      }),
    );
  });

  it('of an editor’s tool › as a change, and the file beside it', () => {
    const told = { edits: [{ path: 'x.ts', old_string: 'a', new_string: 'b' }, { path: 'y.ts' }] };
    const { parts, others } = partsOf(told);
    expect(parts).toMatchObject([{ kind: 'diff', name: 'edits.0.old_string → new_string' }]);
    expect(JSON.parse(others)).toEqual({ edits: [{ path: 'x.ts' }, { path: 'y.ts' }] });
  });
});

describe('a text of several lines', () => {
  it('does not run together', () => {
    const { parts, others } = partsOf({ content: 'one\ntwo', path: 'x' });
    expect(parts).toEqual([{ kind: 'text', name: 'content', text: 'one\ntwo' }]);
    expect(JSON.parse(others)).toEqual({ path: 'x' });
  });
});

it('whatever is told › each of its texts can be read, in a part or beside them', () => {
  const leaf = fc.stringMatching(/^[a-z]{6}(\n[a-z]{6})?$/);
  const name = fc.constantFrom('command', 'commands', 'args', 'old_string', 'new_string', 'x', '__proto__');
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(leaf, { maxLength: 3 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 5 }),
    ),
  }));
  const textsOf = (of: unknown): string[] =>
    typeof of === 'string'
      ? of.split('\n')
      : typeof of === 'object' && of !== null
        ? Object.values(of).flatMap(textsOf)
        : [];
  fc.assert(
    fc.property(value, (told) => {
      const { parts, others } = partsOf(told);
      const read = `${JSON.stringify(parts)}\n${others}`;
      for (const text of textsOf(told)) expect(read).toContain(text);
    }),
  );
});
