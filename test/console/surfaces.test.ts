import { describe, expect, test } from 'vitest';
import { dataChanges } from '../../console/surfaces/data-changes.ts';
import { drawingOf, isSameSurface } from '../../console/surfaces/drawing.ts';
import { outcome } from '../../console/surfaces/outcome.ts';
import { fits } from '../../console/surfaces/pattern.ts';
import { MAX_ELEMENTS, tooMuch } from '../../console/surfaces/size.ts';
import { components, create, data, text } from '../support/surfaces.ts';

const column = (id: string, children: unknown) => ({ id, component: 'Column', children });

describe('what of a surface is drawn', () => {
  test('a surface as it should be › all of it', () => {
    const parts = [column('root', ['a', 'b', 'nowhere']), text('a', 'A'), text('b', 'B')];
    expect(tooMuch({ components: parts, dataModel: {} })).toBeUndefined();
  });

  test('components that contain themselves, whichever way › nothing', () => {
    const ways = [
      { child: 'root' },
      { children: ['root'] },
      { trigger: 'root' },
      { content: 'root' },
      { tabs: [{ title: 't', child: 'root' }] },
      { children: { componentId: 'root', path: '/list' } },
    ];
    for (const way of ways) {
      const parts = [{ id: 'root', component: 'X', ...way }];
      expect(tooMuch({ components: parts, dataModel: { list: [1] } }), JSON.stringify(way)).toMatch(
        /contain themselves/,
      );
    }
  });

  test('few components that make millions of elements › nothing', () => {
    const doubled = Array.from({ length: 30 }, (_, n) => column(n === 0 ? 'root' : `${n}`, [`${n + 1}`, `${n + 1}`]));
    expect(tooMuch({ components: doubled, dataModel: {} })).toMatch(/more than 3,000 elements/);
    const repeated = [column('root', { componentId: 'a', path: '/list' }), text('a', 'A')];
    const list = (length: number) => ({ list: Array.from({ length }, () => 0) });
    expect(tooMuch({ components: repeated, dataModel: list(MAX_ELEMENTS) })).toMatch(/elements/);
    expect(tooMuch({ components: repeated, dataModel: list(MAX_ELEMENTS - 1) })).toBeUndefined();
  });

  test('a tree of data, one component for each of its nodes › all of it', () => {
    const parts = [
      column('root', { componentId: 'node', path: '/nodes' }),
      column('node', { componentId: 'node', path: 'nodes' }),
    ];
    const dataModel = { nodes: [{ nodes: [{ nodes: [] }] }, {}] };
    expect(tooMuch({ components: parts, dataModel })).toBeUndefined();
  });
});

describe('a surface that changes', () => {
  test('the envelopes of a replay › make the surface', () => {
    const envelopes = [
      create('s', { theme: { primaryColor: '#ff0000' } }),
      components('s', text('root', 'x')),
      data('s', '/', { a: 1 }),
    ];
    expect(drawingOf({ revision: 7, envelopes })).toMatchObject({
      revision: 7,
      theme: { primaryColor: '#ff0000' },
      components: [{ id: 'root' }],
      dataModel: { a: 1 },
    });
  });

  test('something turns into something else, or the root goes › it is drawn anew', () => {
    const drawing = (...parts: object[]) =>
      drawingOf({ revision: 1, envelopes: [create('s'), components('s', ...parts)] });
    const before = drawing(column('root', ['a']), text('a', 'A'));
    expect(isSameSurface(before, drawing(column('root', [])))).toBe(true);
    expect(isSameSurface(before, drawing(column('root', ['a', 'b']), text('a', 'B'), text('b', '')))).toBe(true);
    expect(isSameSurface(before, drawing(text('a', 'A')))).toBe(false);
    expect(isSameSurface(before, drawing(column('root', ['a']), column('a', [])))).toBe(false);
    expect(isSameSurface(before, { ...before, theme: { primaryColor: '#fff000' } })).toBe(false);
  });

  test('two data models › what differs, and no more', () => {
    expect(dataChanges({ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 4, d: 3 } })).toEqual([{ path: '/b/c', value: 4 }]);
    expect(dataChanges({ a: 1, b: 2 }, { a: 1 })).toEqual([{ path: '/b', value: undefined }]);
    expect(dataChanges({ a: [1, 2] }, { a: [1, 3] })).toEqual([{ path: '/a', value: [1, 3] }]);
    expect(dataChanges({ 'a/b~': 1 }, { 'a/b~': 2 })).toEqual([{ path: '/a~1b~0', value: 2 }]);
    expect(dataChanges({}, 5)).toEqual([{ path: '/', value: 5 }]);
    expect(dataChanges({ a: { '': 1 } }, { a: { '': 2 } })).toEqual([{ path: '/a', value: { '': 2 } }]);
    expect(dataChanges({ a: 1 }, { a: 1 })).toEqual([]);
  });
});

describe('an action’s outcome in a line', () => {
  test('says whether an A2A agent took it, and what it answered', () => {
    expect(outcome('go', { status: 'none' })).toBe('go: told to whoever subscribes; this surface has no A2A agent.');
    expect(
      outcome('go', { status: 'sent', state: 'TASK_STATE_INPUT_REQUIRED', text: 'Which one?', applied: ['s'] }),
    ).toBe('go: sent to its A2A agent, task input required. Changed: s. It says: Which one?');
    expect(outcome('go', { status: 'failed', reason: 'too_large', message: 'too much' })).toBe(
      'go: its A2A agent did not take it (too large). too much',
    );
    expect(outcome('go', { status: 'sent', reason: 'envelopes', message: 'no such type' })).toBe(
      'go: sent to its A2A agent. The envelopes in its answer were refused. no such type',
    );
  });
});

describe('an agent’s pattern', () => {
  test('an ordinary one is tried', () => {
    expect(fits('^[a-z]+@[a-z.]+$', 'ada@example.org')).toBe(true);
    expect(fits('^\\d{4}$', '12')).toBe(false);
  });

  test('one that could keep the page busy for hours, or is none › is left to the agent', () => {
    const value = `${'a'.repeat(60)}!`;
    for (const pattern of ['^(a+)+$', '^(a|aa)*$', '^a*a*a*a*$', '(a)\\1b', '(', 'b'.repeat(300)]) {
      expect(fits(pattern, value), pattern).toBe(true);
    }
  });
});
