import { describe, expect, test } from 'vitest';
import { chatEventKinds, isChatEvent, TERMINAL_KINDS } from '../../protocol/events.ts';

const text = ['text', [7, null, true, {}, []]] as const;
const flag = [true, [1, 'true', null, {}]] as const;
const number = [3, ['3', null, true, {}]] as const;
type Field = readonly [right: unknown, wrong: readonly unknown[]];

/** The table of section 6: what each kind needs, what it may have, and what is wrong in either. */
const table: Record<keyof typeof chatEventKinds, { needs: Record<string, Field>; may?: Record<string, Field> }> = {
  token: { needs: { delta: text } },
  tool_call: { needs: { tool: text }, may: { call_id: text, sequence: number, params: [{ a: 1 }, []] } },
  tool_result: {
    needs: { tool: text, ok: flag },
    may: { call_id: text, sequence: number, excerpt: text, evidence: [[1], []] },
  },
  approval_pending: {
    needs: { approval_id: text, tool: text },
    may: { action: text, params: [1, []], details: ['d', []], deadline: [1, [null, true, {}]] },
  },
  approval_resolved: { needs: { approval_id: text, resolution: ['deny', ['denied', '', true, null]] } },
  goal_evaluated: { needs: { iteration: number, met: flag, grounded: flag, reason: text } },
  done: { needs: { finish_reason: text }, may: { text } },
  error: { needs: { error: text }, may: { code: ['c', [null, true, {}]], retryable: flag } },
  auth_required: { needs: { reason: text, message: text } },
};

const values = (fields: Record<string, Field>) =>
  Object.fromEntries(Object.entries(fields).map(([name, [right]]) => [name, right]));

describe.each(Object.entries(table))('isChatEvent › when the kind is %s', (kind, { needs, may = {} }) => {
  const minimal = { session_id: 's', kind, ...values(needs) };

  test('with what it needs and no more › then it passes', () => {
    expect(isChatEvent(minimal)).toBe(true);
  });

  test('with everything that it may have, a turn_id and fields that nobody knows › then it passes', () => {
    const full = { ...minimal, ...values(may), turn_id: 't', mood: 'good', extra: { deep: [1] }, seq: 'x' };
    expect(isChatEvent(full)).toBe(true);
  });

  test.each(Object.keys(needs))('without %s › then it does not pass', (field) => {
    const { [field]: _, ...rest } = minimal as Record<string, unknown>;
    expect(isChatEvent(rest)).toBe(false);
  });

  test.each(
    Object.entries({ ...needs, ...may }).flatMap(([field, [, wrong]]) =>
      wrong.map((value) => [field, JSON.stringify(value), value] as const),
    ),
  )('with %s: %s › then it does not pass', (field, _shown, value) => {
    expect(isChatEvent({ ...minimal, [field]: value })).toBe(false);
  });

  test.each([
    ['session_id', undefined],
    ['session_id', 7],
    ['session_id', ''],
    ['session_id', 'a b'],
    ['session_id', 'a'.repeat(129)],
    ['turn_id', 7],
    ['turn_id', null],
  ])('with %s: %s › then it does not pass', (field, value) => {
    expect(isChatEvent({ ...minimal, [field]: value })).toBe(false);
  });
});

describe('isChatEvent › when a field has a choice', () => {
  const pending = { session_id: 's', kind: 'approval_pending', approval_id: 'a' };

  test('approval_pending with an action and no tool › then it passes', () => {
    expect(isChatEvent({ ...pending, action: 'send' })).toBe(true);
  });

  test('approval_pending with neither › then it does not pass', () => {
    expect(isChatEvent(pending)).toBe(false);
  });

  test.each([1_700_000_000, '2030-01-01T00:00:00Z'])(
    'approval_pending with deadline %s › then it passes',
    (deadline) => {
      expect(isChatEvent({ ...pending, tool: 't', deadline })).toBe(true);
    },
  );

  test.each(['approve', 'deny', 'timeout'])('approval_resolved with resolution %s › then it passes', (resolution) => {
    expect(isChatEvent({ session_id: 's', kind: 'approval_resolved', approval_id: 'a', resolution })).toBe(true);
  });

  test.each(['code', 404])('error with code %s › then it passes', (code) => {
    expect(isChatEvent({ session_id: 's', kind: 'error', error: 'e', code })).toBe(true);
  });
});

describe('isChatEvent › when the kind is not in the table', () => {
  test.each([
    'todos',
    'inference_started',
    'inference_retry',
    'model_served',
    'receipt_report',
    'mood',
    '',
    '__proto__',
    'constructor',
    'toString',
    'Done',
  ])('%s › then it passes as it comes, and is no terminal', (kind) => {
    expect(isChatEvent({ session_id: 's', kind, anything: [1, { a: null }] })).toBe(true);
    expect(TERMINAL_KINDS.has(kind)).toBe(false);
  });

  test.each([
    ['a kind that is no string', { session_id: 's', kind: 7 }],
    ['no kind', { session_id: 's' }],
    ['no session', { kind: 'mood' }],
    ['a session that is none', { kind: 'mood', session_id: {} }],
    ['null', null],
    ['an array', [{ session_id: 's', kind: 'token', delta: '' }]],
    ['a string', 'token'],
    ['nothing', undefined],
  ])('%s › then it does not pass', (_what, params) => {
    expect(isChatEvent(params)).toBe(false);
  });
});

test('TERMINAL_KINDS › when a kind ends a turn › then its fields are checked, for a bad one must not end it', () => {
  expect([...TERMINAL_KINDS].sort()).toEqual(['auth_required', 'done', 'error']);
  for (const kind of TERMINAL_KINDS) expect(Object.keys(chatEventKinds)).toContain(kind);
});
