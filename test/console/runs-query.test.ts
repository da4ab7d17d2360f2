import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, placeOf } from '../../console/address.ts';
import { NUMBER_FIELDS, WORD_FIELDS } from '../../console/runs/fields.ts';
import { fieldsOf, momentIn, VIEWS } from '../../console/runs/moment.ts';
import { momentOf, whenOf } from '../../console/runs/quantities.ts';
import { readQuery, type Term, turnQuery, writeQuery } from '../../console/runs/query.ts';
import { MAX_QUERY } from '../../console/runs/query-text.ts';
import { sorted, sortOf, sortText } from '../../console/runs/sort.ts';
import { suggestionsAt } from '../../console/runs/suggest.ts';
import { viewsIn } from '../../console/runs/views.ts';
import { RECORDED_STATES } from '../../protocol/recorded-states.ts';
import type { RecordedTurn } from '../../protocol/recording.ts';

const NOW = new Date(2026, 10, 30, 12, 0, 0).getTime();

const turn = (given: Partial<RecordedTurn> = {}): RecordedTurn => ({
  turn_id: 'turn-1',
  session_id: 's',
  agent_id: 'coder',
  host: 'client-1',
  prompt: 'hello',
  state: 'done',
  started_at: NOW - 10_000,
  ended_at: NOW - 3_000,
  tokens: 0,
  tools: 0,
  tools_failed: 0,
  tool_names: [],
  approvals: 0,
  waited_ms: 0,
  ...given,
});

const termsOf = (line: string): readonly Term[] => {
  const read = readQuery(line);
  if ('fault' in read) throw new Error(read.fault.message);
  return read.terms;
};
const matches = (line: string, given: Partial<RecordedTurn>) => turnQuery(termsOf(line), NOW).matches(turn(given), NOW);

describe('a query line › what it means', () => {
  test('fields, comparisons, times and a text › what the daemon knows is asked of it, the rest is looked at here', () => {
    const line = 'agent:coder state:failed tool:grep dur>5s since:2h -host:web "no match"';
    const { params } = turnQuery(termsOf(line), NOW);
    expect(params).toEqual({
      agent: 'coder',
      state: ['failed'],
      tool: 'grep',
      since: NOW - 7_200_000,
      text: 'no match',
    });
    expect(matches(line, {})).toBe(true);
    expect(matches(line, { ended_at: NOW - 6_000 })).toBe(false);
    expect(matches(line, { host: 'client-WEB-1' })).toBe(false);
  });

  test.each<[string, Partial<RecordedTurn>, boolean]>([
    ['agent:a,b', { agent_id: 'b' }, true],
    ['agent:a,b', { agent_id: 'c' }, false],
    ['agent:"a b"', {}, true],
    ['-agent:coder', {}, false],
    ['state:live -state:parked', { state: 'parked' }, false],
    ['-tool:grep', { tool_names: ['grep'] }, false],
    ['error:*', { error: { code: 'agent_error', message: 'x' } }, true],
    ['error:-32000', { error: { code: -32_000, message: 'x' } }, true],
    ['error:NO', { error: { code: 1, message: 'there is no match' } }, true],
    ['-error:*', {}, true],
    ['first<300ms', { first_token_ms: 299.9 }, true],
    ['first<300ms', {}, false],
    ['rate>=10', { tokens: 11, streaming_ms: 1_000 }, true],
    ['rate>=10', { tokens: 11, streaming_ms: 0 }, false],
    ['waited>1m30s', { waited_ms: 90_001 }, true],
    ['dur>9s', { state: 'streaming' }, false],
    ['tools=2', { tools: 2 }, true],
    ['-tools>1', { tools: 2 }, false],
    ['tenant:DEFAULT', {}, true],
    ['front:openai', {}, false],
  ])('%s of %j › %s', (line, given, expected) => {
    expect(matches(line, given)).toBe(expected);
  });

  test('a live turn › then it has lasted until now', () => {
    const { ended_at: _, ...live } = turn({ state: 'streaming' });
    expect(turnQuery(termsOf('dur>9s'), NOW).matches(live, NOW)).toBe(true);
  });

  test('words side by side › are one text, as they were typed', () => {
    expect(termsOf('no  match state:done')).toContainEqual({ kind: 'text', text: 'no  match' });
  });

  test.each([
    ['14:00', new Date(2026, 10, 29, 14).getTime()],
    ['9:30', new Date(2026, 10, 30, 9, 30).getTime()],
    ['2026-11-01', new Date(2026, 10, 1).getTime()],
    ['2026-11-01T08:05', new Date(2026, 10, 1, 8, 5).getTime()],
    ['1d2h', NOW - 93_600_000],
  ])('since %s › that moment, on the clock of whoever looks', (text, expected) => {
    expect(turnQuery(termsOf(`since:${text}`), NOW).params.since).toBe(expected);
  });
});

describe('a query line › what is wrong is said at its place', () => {
  test.each([
    ['agent:coder stat:failed', 'stat', /no field “stat”.*“state” meant/],
    ['http://x', 'http', /no field “http”.*in quotes/],
    ['state:fine', 'fine', /no state “fine”: dispatching/],
    ['dur>5', '5', /is no time: write 500ms/],
    ['since:2026-02-30', '2026-02-30', /is no time/],
    ['since:25:00', '25:00', /is no time/],
    ['-since:2h', '-since:2h', /until/],
    ['since>2h', '>', /not compared/],
    ['tools>many', 'many', /no number/],
    ['agent>a', '>', /not compared: agent:name/],
    ['agent:', 'agent:', /value is missing/],
    ['agent:a,,b', 'agent:a,,b', /value is missing/],
    ['tools>1,2', '1,2', /one value/],
    ['ok "not closed', '"not closed', /not closed/],
    ['one state:done two', 'two', /One text.*“one”/],
    ['"one" "two"', '"two"', /One text/],
    ['-word', '-word', /cannot be left out/],
    ['""', '""', /nothing/],
    ['agent:"a"b', 'b', /space/],
    ['x'.repeat(MAX_QUERY + 1), 'x', /2,000 characters/],
  ])('%s › marks %s', (line, place, message) => {
    const read = readQuery(line);
    if (!('fault' in read)) throw new Error('it was read');
    expect(read.fault.message).toMatch(message);
    expect(line.slice(read.fault.at, read.fault.end)).toBe(place);
  });

  test('whatever is typed › then it is read, or a place in it is named; and every turn can be looked at by it', () => {
    const pieces = fc.constantFrom(
      'agent:',
      'dur>',
      '"',
      '\\',
      '-',
      ',',
      ' ',
      'since:',
      '5s',
      'state:',
      'live',
      ':',
      '>=',
    );
    const line = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 12 });
    fc.assert(
      fc.property(line, (parts) => {
        const text = parts.join('');
        const read = readQuery(text);
        if ('fault' in read) {
          expect(read.fault.at).toBeGreaterThanOrEqual(0);
          expect(read.fault.end).toBeLessThanOrEqual(text.length);
          expect(read.fault.at).toBeLessThan(read.fault.end);
        } else expect(typeof turnQuery(read.terms, NOW).matches(turn(), NOW)).toBe('boolean');
      }),
    );
  });

  test('terms that are written › are read as they were, whatever their texts', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const words = Object.keys(WORD_FIELDS).filter((name) => name !== 'state');
    const not = fc.boolean();
    const term = fc.oneof(
      fc.record({
        kind: fc.constant('words' as const),
        field: fc.constantFrom(...words),
        values: fc.array(value, { minLength: 1, maxLength: 3 }),
        isNot: not,
      }),
      fc.record({
        kind: fc.constant('words' as const),
        field: fc.constant('state'),
        values: fc.uniqueArray(fc.constantFrom(...RECORDED_STATES, 'live'), { minLength: 1 }),
        isNot: not,
      }),
      fc.record({
        kind: fc.constant('number' as const),
        field: fc.constantFrom(...Object.keys(NUMBER_FIELDS)),
        comparison: fc.constantFrom('>', '>=', '<', '<=', '=', ':'),
        number: fc.nat(1_000_000),
        isNot: not,
      }),
      fc.record({
        kind: fc.constant('time' as const),
        field: fc.constantFrom('since', 'until'),
        when: fc.oneof(
          fc.record({ ago: fc.nat(1_000_000) }),
          fc.constantFrom(whenOf('14:05:06'), whenOf('2026-01-02T03:04:05')),
        ),
      }),
    );
    const terms = fc
      .tuple(fc.array(term, { maxLength: 5 }), fc.option(value, { nil: undefined }))
      .map(([some, text]) => [...some, ...(text === undefined ? [] : [{ kind: 'text' as const, text }])]);
    fc.assert(
      fc.property(terms, (given) => {
        expect(readQuery(writeQuery(given as Term[]))).toEqual({ terms: given });
      }),
    );
  });
});

test('a moment by the clock › is never after now, and a day back at most', () => {
  const clock = fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59));
  fc.assert(
    fc.property(clock, (when) => {
      const at = momentOf({ clock: when }, NOW);
      expect(at).toBeLessThanOrEqual(NOW);
      expect(at).toBeGreaterThan(NOW - 90_000_000);
    }),
  );
});

test('sorting › those without a value are last either way', () => {
  const rows = [
    turn({ turn_id: 'none' }),
    turn({ turn_id: 'slow', first_token_ms: 9 }),
    turn({ turn_id: 'quick', first_token_ms: 1 }),
  ];
  const ids = (text: string) => sorted(rows, sortOf(text), NOW).map(({ turn_id }) => turn_id);
  expect(ids('first')).toEqual(['quick', 'slow', 'none']);
  expect(ids('-first')).toEqual(['slow', 'quick', 'none']);
  expect(['', '-dur', 'agent', '__proto__', '-constructor'].map((text) => sortText(sortOf(text)))).toEqual([
    '',
    '-dur',
    'agent',
    '',
    '',
  ]);
});

test('what may follow › names at the beginning of a word, values behind a field, each as it would be read', () => {
  const options = (line: string) =>
    suggestionsAt(line, line.length, { agent: ['coder', 'my "own"'] }).options.map(({ text }) => text);
  expect(options('to')).toEqual(['tool:', 'tokens>', 'tools>']);
  expect(options('x -sta')).toEqual(['-state:']);
  expect(options('state:fa')).toEqual(['state:failed']);
  expect(options('agent:coder,')).toEqual(['agent:coder,coder', String.raw`agent:coder,"my \"own\""`]);
  expect(options('constructor:')).toEqual([]);
});

test('an address › gives back its parts and its moment, whatever is in them', () => {
  const moment = fc.record({ view: fc.constantFrom(...VIEWS), event: fc.option(fc.nat(), { nil: undefined }) });
  const part = fc.string({ unit: fc.constantFrom('a', '/', '?', '#', '%', '&', '=', ' ', 'é', '💥') });
  fc.assert(
    fc.property(part, moment, fc.string({ unit: 'grapheme' }), (id, at, q) => {
      const place = placeOf(addressOf(['runs', id], { q, ...fieldsOf(at) }));
      expect(place.parts).toEqual(['runs', id]);
      expect(momentIn(place.query)).toEqual(at);
      expect(place.query.get('q') ?? '').toBe(q);
    }),
  );
  expect(momentIn(placeOf('#/runs/x?view=evil&event=-1').query)).toEqual({ view: 'chart', event: undefined });
  expect(placeOf('#/runs/%zz').parts).toEqual(['runs', '%zz']);
});

test('saved views › what is stored by whomever opens as far as it is one', () => {
  const good = { name: 'mine', q: 'state:failed', sort: '-dur' };
  const bad = [null, 1, { name: 'x' }, { name: '', q: '', sort: '' }, { name: 'y', q: 'x'.repeat(5_000), sort: '' }];
  expect(viewsIn(JSON.stringify([...bad, good, { ...good, name: 'other', sort: 'evil' }]))).toEqual([
    good,
    { ...good, name: 'other', sort: '' },
  ]);
  expect(viewsIn(JSON.stringify(Array.from({ length: 99 }, (_, at) => ({ ...good, name: `n${at}` }))))).toHaveLength(
    20,
  );
  for (const stored of ['{', '{}', 'null', null]) expect(viewsIn(stored)).toEqual([]);
});
