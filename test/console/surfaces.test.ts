import { describe, expect, test } from 'vitest';
import { dataChanges } from '../../console/surfaces/data-changes.ts';
import { type Drawing, isSameSurface } from '../../console/surfaces/drawing.ts';
import { outcome } from '../../console/surfaces/outcome.ts';
import { fits } from '../../console/surfaces/pattern.ts';
import { shown, webAddress } from '../../console/surfaces/shown.ts';
import { MAX_ELEMENTS, tooMuch } from '../../console/surfaces/size.ts';
import { text } from '../support/surfaces.ts';

/** An expression in a template. */
const expression = (text: string) => `\${${text}}`;
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

  test('few components that ask for millions that are not there › nothing, and it is said at once', () => {
    const parts = [
      column('root', Array(2_000).fill('list')),
      column('list', { componentId: 'nowhere', path: '/list' }),
    ];
    let read = 0;
    const list = new Proxy(Array(100_000).fill(0), {
      get: (items, key) => {
        if (key === 'keys') read += 1;
        return Reflect.get(items, key);
      },
    });
    expect(tooMuch({ components: parts, dataModel: { list } })).toMatch(/more than 3,000 elements/);
    expect(read).toBe(1);
  });

  test('a list of lists, each of which repeats over its own item › each item counts', () => {
    const lists = (path: string) => [
      column('root', { componentId: 'list', path: '/lists' }),
      column('list', { componentId: 'a', path }),
      text('a', 'A'),
    ];
    const dataModel = { lists: Array.from({ length: 50 }, () => Array(100).fill(0)) };
    expect(tooMuch({ components: lists('.'), dataModel })).toMatch(/more than 3,000 elements/);
  });

  test('few components that show millions of characters › nothing', () => {
    const long = 'word '.repeat(40_000);
    const bound = { path: '/long' };
    const call = (name: string, args: object) => ({ call: name, args });
    const many = (part: object) => [column('root', Array(2_900).fill('a')), { ...part, id: 'a' }];
    const ways: Record<string, object> = {
      'a text of its own': text('a', long),
      'a text of the data': { ...text('a', ''), text: bound },
      'an object of the data': { ...text('a', ''), text: { path: '/' } },
      'a label': { component: 'CheckBox', label: bound, value: true },
      'the title of a tab': { component: 'Tabs', tabs: [{ title: bound, child: 'nowhere' }] },
      'the value of a field': { component: 'TextField', label: '', value: bound },
      'what a function is given': { ...text('a', ''), text: call('pluralize', { value: 1, other: bound }) },
      'a template': { ...text('a', ''), text: call('formatString', { value: `${expression('/long')} `.repeat(90) }) },
      'a short template': { ...text('a', ''), text: call('formatString', { value: `It is ${expression('/long')}` }) },
      'a long template': {
        ...text('a', ''),
        text: call('formatString', { value: `${expression('/a')} `.repeat(30_000) }),
      },
      'a template in the data': { ...text('a', ''), text: call('formatString', { value: bound }) },
      'a template of a template': {
        ...text('a', ''),
        text: call('formatString', { value: call('formatString', { value: expression('/t') }) }),
      },
      'expressions in one another': {
        ...text('a', ''),
        text: call('formatString', { value: `${'${'.repeat(90)}${'}'.repeat(90)}` }),
      },
      'a name behind a brace in quotes': {
        ...text('a', ''),
        text: call('formatString', { value: expression("pluralize(value: 1, one: '}', other: /long)") }),
      },
    };
    const dataModel = { long, t: expression('/long') };
    for (const [way, part] of Object.entries(ways)) {
      expect(tooMuch({ components: many(part), dataModel }), way).toBe('it shows more than 1,000,000 characters');
    }
    const theme = { primaryColor: 'x'.repeat(100_000) };
    expect(tooMuch({ components: many(text('a', 'A')), dataModel, theme })).toMatch(/characters/);
    expect(tooMuch({ components: many(text('a', 'A')), dataModel })).toBeUndefined();
  });

  test('few components of millions of options › nothing', () => {
    const options = Array.from({ length: 200 }, (_, n) => ({ label: `${n}`, value: `${n}` }));
    const picker = { id: 'a', component: 'ChoicePicker', options, value: [] };
    const parts = (times: number) => [column('root', Array(times).fill('a')), picker];
    expect(tooMuch({ components: parts(15), dataModel: {} })).toMatch(/more than 3,000 elements/);
    expect(tooMuch({ components: parts(14), dataModel: {} })).toBeUndefined();
  });

  test('many options, each to be looked for among very many that are chosen › nothing', () => {
    const options = Array.from({ length: 200 }, (_, n) => ({ label: `${n}`, value: `${n}` }));
    const picker = { id: 'root', component: 'ChoicePicker', options, value: { path: '/chosen' } };
    const chosen = (length: number) => ({ chosen: Array(length).fill('') });
    expect(tooMuch({ components: [picker], dataModel: chosen(60_000) })).toMatch(/characters/);
    expect(tooMuch({ components: [picker], dataModel: chosen(200) })).toBeUndefined();
  });

  test('a long table of rows, with what each of them says and does › all of it', () => {
    const context = { id: { path: 'id' }, all: { path: '/rows' } };
    const template = `${expression('name')} of ${expression('/house')}, no. ${expression('id')}`;
    const parts = [
      column('root', { componentId: 'row', path: '/rows' }),
      { id: 'row', component: 'Row', children: ['name', 'when', 'go'] },
      { ...text('name', ''), text: { call: 'formatString', args: { value: template } } },
      { ...text('when', ''), text: { call: 'formatDate', args: { value: { path: 'at' }, format: 'yyyy-MM-dd' } } },
      { id: 'go', component: 'Button', child: 'label', action: { event: { name: 'go', context } } },
      text('label', 'Choose'),
    ];
    const rows = Array.from({ length: 590 }, (_, id) => ({ id, name: `Room ${id}`, at: '2026-01-01T00:00:00Z' }));
    expect(tooMuch({ components: parts, dataModel: { rows, house: 'The Old Mill' } })).toBeUndefined();
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
  test('something turns into something else, or the root goes › it is drawn anew', () => {
    const drawing = (...parts: object[]): Drawing => ({
      revision: 1,
      catalogId: 'c',
      components: parts as Drawing['components'],
      dataModel: {},
    });
    const before = drawing(column('root', ['a']), text('a', 'A'));
    expect(isSameSurface(before, drawing(column('root', [])))).toBe(true);
    expect(isSameSurface(before, drawing(column('root', ['a', 'b']), text('a', 'B'), text('b', '')))).toBe(true);
    expect(isSameSurface(before, drawing(text('a', 'A')))).toBe(false);
    expect(isSameSurface(before, drawing(column('root', ['a']), column('a', [])))).toBe(false);
    expect(isSameSurface(before, { ...before, theme: { primaryColor: '#fff000' } })).toBe(false);
  });

  test('two data models that differ nearly everywhere › one is put in place of the other', () => {
    const model = (value: number) => Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, value]));
    expect(dataChanges(model(1), model(2))).toEqual([{ path: '/', value: model(2) }]);
    expect(dataChanges(model(1), { ...model(1), k7: 2 })).toEqual([{ path: '/k7', value: 2 }]);
  });

  test('two deep data models › are not written again at each of their levels', () => {
    let written = 0;
    const deep = (n: number) => {
      let model: object = { toJSON: () => (written += 1), n };
      for (let level = 0; level < 100; level += 1) model = { model };
      return model;
    };
    dataChanges(deep(1), deep(2));
    expect(written).toBeLessThan(10);
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

describe('what somebody else says where the page speaks itself', () => {
  test('what cannot be seen, or turns the text around, is written out; what is long is cut', () => {
    expect(shown('a\u202eb')).toBe('a\\u202eb');
    expect(shown('x'.repeat(400))).toBe(`${'x'.repeat(300)}…`);
    expect(shown('x'.repeat(300))).toBe('x'.repeat(300));
  });

  test.each([
    ['https://evil.example/\u202emoc.knab-doog//:sptth', 'https://evil.example/%E2%80%AEmoc.knab-doog//:sptth'],
    ['https://good.example@evil.example/', 'https://evil.example/'],
    ['HTTPS://EVIL.example', 'https://evil.example/'],
    ['javascript:alert(1)', undefined],
    [' jav\tascript:alert(1)', undefined],
    ['file:///etc/passwd', undefined],
    ['/console', undefined],
    ['', undefined],
  ])('the address %j is opened as %j', (text, address) => {
    expect(webAddress(text)).toBe(address);
  });
});

describe('an agent’s pattern', () => {
  test('an ordinary one is tried', () => {
    expect(fits('^[a-z]+@[a-z.]+$', 'ada@example.org')).toBe(true);
    expect(fits('^\\d{4}$', '12')).toBe(false);
  });

  // With a matcher that tries every way each of these takes minutes or more: a test that fails does not end.
  test.each([
    ['optional parts', `^${'a?'.repeat(45)}${'a'.repeat(44)}$`, `${'a'.repeat(60)}!`],
    ['two repetitions of a long value', 'a*a*b', 'a'.repeat(1_000)],
    ['alternatives', `^${'(a|a)'.repeat(39)}$`, `${'a'.repeat(39)}b`],
    ['alternatives without a group', `^${'a?b|'.repeat(40)}$`, 'a'.repeat(1_000)],
    ['ranges', `^${'a{0,9}'.repeat(20)}$`, `${'a'.repeat(60)}!`],
    ['repetitions of a long value', 'a*a*a*b', 'a'.repeat(1_000)],
    ['a repeated group', '^(a+)+$', `${'a'.repeat(60)}!`],
    ['a repeated group of alternatives', '^(a|aa)*$', `${'a'.repeat(60)}!`],
    ['many repetitions', '^a*a*a*a*$', `${'a'.repeat(60)}!`],
    ['a reference back', '(a)\\1b', 'aa'],
    ['no pattern', '(', 'a'],
    ['a class that is not closed', '[a', 'b'],
    ['far too many characters', 'b'.repeat(300), 'a'],
  ])('one of %s › is left to the agent', (_what, pattern, value) => {
    expect(fits(pattern, value)).toBe(true);
  });

  test('brackets that are only characters, and counts that leave no choice, are tried', () => {
    expect(fits('^\\(\\d{3}\\) \\d{3}-\\d{4}$', '(555) 123-4567')).toBe(true);
    expect(fits('^\\(\\d{3}\\) \\d{3}-\\d{4}$', '555 123-4567')).toBe(false);
    expect(fits('^[(|)?]{2}$', '(!')).toBe(false);
    expect(fits('^-?\\d+$', 'ten')).toBe(false);
  });

  test('very many of them in one second › the rest is left to the agent, and in the next second tried again', () => {
    const pattern = '^a*a*b$';
    const value = 'a'.repeat(100);
    const later = performance.now() + 60_000;
    const found = Array.from({ length: 1_000 }, () => fits(pattern, value, later));
    expect(found[0]).toBe(false);
    expect(found.at(-1)).toBe(true);
    expect(fits(pattern, value, later + 1_001)).toBe(false);
  });
});
