import { describe, expect, test } from 'vitest';
import { EventFault } from '../../protocol/event-fault.ts';
import { type chatEventKinds, TERMINAL_KINDS } from '../../protocol/events.ts';
import { readChatEvent } from '../../protocol/read-event.ts';

/** What becomes of an event: whole, it goes on as it came; mended, without what was wrong; refused, not at all. */
function fate(params: unknown): 'whole' | 'mended' | 'refused' {
  const own = structuredClone(params);
  const read = readChatEvent(own);
  if (read instanceof EventFault) return read.event ? 'mended' : 'refused';
  expect(read).toBe(own);
  expect(read).toEqual(params);
  return 'whole';
}

/** A turn whose agent has said that it is over is over, whatever it lacks. */
const isPutIn = (kind: string, field: string) => TERMINAL_KINDS.has(kind) && field !== 'session_id';

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
  gate_pending: { needs: { approval_id: text, action: text, details: [{}, [[], 'd', null]], expires_at: text } },
  agent_away: { needs: { window_ms: number } },
  agent_back: { needs: {} },
  gate_resolved: { needs: { approval_id: text, resolution: ['withdrawn', ['approved', '', true, null]] } },
};

const values = (fields: Record<string, Field>) =>
  Object.fromEntries(Object.entries(fields).map(([name, [right]]) => [name, right]));

const wrongs = (fields: Record<string, Field>) =>
  Object.entries(fields).flatMap(([field, [, wrong]]) =>
    wrong.map((value) => [field, JSON.stringify(value), value] as const),
  );

describe.each(Object.entries(table))('readChatEvent › when the kind is %s', (kind, { needs, may = {} }) => {
  const minimal = { session_id: 's', kind, ...values(needs) };

  test('with what it needs and no more › then it passes', () => {
    expect(fate(minimal)).toBe('whole');
  });

  test('with everything that it may have, a turn_id and fields that nobody knows › then it passes', () => {
    const full = { ...minimal, ...values(may), turn_id: 't', mood: 'good', extra: { deep: [1] }, seq: 'x' };
    expect(fate(full)).toBe('whole');
  });

  test.each(Object.keys(needs))('without %s › then it does not pass, unless it ends the turn', (field) => {
    const { [field]: _, ...rest } = minimal as Record<string, unknown>;
    expect(fate(rest)).toBe(isPutIn(kind, field) ? 'mended' : 'refused');
  });

  test.each([...Object.keys(may), 'turn_id'])('with %s: null › then that reads as left out, and it passes', (field) => {
    expect(fate({ ...minimal, [field]: null })).toBe('whole');
  });

  test.each(wrongs(needs))('with %s: %s › then it does not pass, unless it ends the turn', (field, _shown, value) => {
    expect(fate({ ...minimal, [field]: value })).toBe(isPutIn(kind, field) ? 'mended' : 'refused');
  });

  // Of the kinds that have any.
  for (const [field, shown, value] of [...wrongs(may), ['turn_id', '7', 7] as const]) {
    if (value === null) continue;
    test(`with ${field}: ${shown}, which may be left out › then it goes on without it`, () => {
      const event = { ...minimal, [field]: value };
      expect(fate(event)).toBe('mended');
      expect(readChatEvent(event)).toMatchObject({ field, event: minimal });
    });
  }

  test.each([
    ['session_id', undefined],
    ['session_id', 7],
    ['session_id', ''],
    ['session_id', 'a b'],
    ['session_id', 'a'.repeat(129)],
    ['turn_id', 'x'.repeat(2_000)],
  ])('with %s: %s › then it does not pass', (field, value) => {
    expect(fate({ ...minimal, [field]: value })).toBe('refused');
  });
});

describe('readChatEvent › when a field has a choice', () => {
  const pending = { session_id: 's', kind: 'approval_pending', approval_id: 'a' };

  test('approval_pending with an action and no tool › then it passes', () => {
    expect(fate({ ...pending, action: 'send' })).toBe('whole');
  });

  test('approval_pending with neither › then it does not pass', () => {
    expect(fate(pending)).toBe('refused');
  });

  test.each([1_700_000_000, '2030-01-01T00:00:00Z'])(
    'approval_pending with deadline %s › then it passes',
    (deadline) => {
      expect(fate({ ...pending, tool: 't', deadline })).toBe('whole');
    },
  );

  test.each(['approve', 'deny', 'timeout'])('approval_resolved with resolution %s › then it passes', (resolution) => {
    expect(fate({ session_id: 's', kind: 'approval_resolved', approval_id: 'a', resolution })).toBe('whole');
  });

  test.each(['code', 404])('error with code %s › then it passes', (code) => {
    expect(fate({ session_id: 's', kind: 'error', error: 'e', code })).toBe('whole');
  });
});

describe('readChatEvent › when the kind is not in the table', () => {
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
    expect(fate({ session_id: 's', kind, anything: [1, { a: null }] })).toBe('whole');
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
    expect(fate(params)).toBe('refused');
  });
});

test('TERMINAL_KINDS › when a kind ends a turn › then what it needs is known', () => {
  expect([...TERMINAL_KINDS].sort()).toEqual(['auth_required', 'done', 'error']);
  for (const kind of TERMINAL_KINDS) expect(Object.keys(table)).toContain(kind);
});
