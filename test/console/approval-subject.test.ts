import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ApprovalRow } from '../../client/browser.ts';
import { subjectOf } from '../../console/approvals/subject.ts';

const row = (fields: Partial<ApprovalRow>): ApprovalRow => ({
  id: 'approval-1',
  origin: 'request',
  agent_id: 'echo',
  action: 'paint',
  details: {},
  options: ['approve', 'deny'],
  status: 'pending',
  created_at: '1970-01-01T00:00:01.000Z',
  ...fields,
});

describe('subjectOf › what a person reads of an approval', () => {
  test('a request at the gate › by its method, with its parameters, and the time that is left', () => {
    const subject = subjectOf(
      row({
        origin: 'gate',
        action: 'ws.method:tools.execute',
        details: { method: 'tools.execute', tool: 'risky', params_preview: '{"a":1}', session_id: 's', turn_id: 't' },
        expires_at: '1970-01-01T00:01:01.000Z',
      }),
    );
    expect(subject).toMatchObject({
      title: 'tools.execute: risky',
      raiser: 'agent echo, whose request is held back',
      preview: '{\n  "a": 1\n}',
      turnId: 't',
      expiresAt: 61_000,
    });
    expect(JSON.parse(subject.rest)).toEqual({
      method: 'tools.execute',
      tool: 'risky',
      session_id: 's',
      turn_id: 't',
    });
  });

  test('a long integer in a gate’s preview › digit for digit', () => {
    const details = { method: 'mail.send', params_preview: '{"to":12345678901234567890}' };
    expect(subjectOf(row({ origin: 'gate', details })).preview).toBe('{\n  "to": 12345678901234567890\n}');
  });

  test('a gate’s preview that was cut off, and is no JSON any more › as it is', () => {
    const details = { method: 'mail.send', params_preview: '{"a": "xxx…' };
    expect(subjectOf(row({ origin: 'gate', details })).preview).toBe('{"a": "xxx…');
  });

  test('a chat’s › its parameters first, and after them all the rest', () => {
    const ids = { source: 'chat', session_id: 's', turn_id: 't', approval_id: 'a' };
    const details = { ...ids, tool: 'paint', params: { b: 2 } };
    const subject = subjectOf(row({ origin: 'chat', details }));
    expect(subject).toMatchObject({ raiser: 'agent echo, in a chat', preview: '{\n  "b": 2\n}', turnId: 't' });
    expect(JSON.parse(subject.rest)).toEqual(ids);
    const other = { ...details, tool: 'brush', details: 'why', deadline: 'soon' };
    const { preview, rest } = subjectOf(row({ origin: 'chat', details: other }));
    expect(preview).toBe('{\n  "tool": "brush",\n  "params": {\n    "b": 2\n  },\n  "details": "why"\n}');
    expect(JSON.parse(rest)).toEqual({ ...ids, deadline: 'soon' });
  });

  test('a host’s, with nothing told › without details', () => {
    expect(subjectOf(row({ agent_id: null }))).toMatchObject({
      title: 'paint',
      raiser: 'a host',
      preview: '',
      rest: '',
    });
  });

  test('somebody words theirs as the broker would › and it is taken for nothing else, and nothing is kept back', () => {
    const forged = {
      source: 'chat',
      session_id: 'rm -rf /',
      turn_id: 't',
      approval_id: 'a',
      method: 'mail.send',
      tool: 'risky',
      params_preview: '{}',
      deadline: 1,
      params: {},
    };
    const subject = subjectOf(row({ action: 'ws.method:mail.send', details: forged }));
    expect(subject).toMatchObject({ title: 'ws.method:mail.send', raiser: 'agent echo' });
    expect([subject.turnId, subject.expiresAt]).toEqual([undefined, undefined]);
    expect(JSON.parse(subject.preview)).toEqual(forged);
  });

  test('whatever the origin, and whatever the details are called › each of them can be read', () => {
    const name = fc.oneof(
      fc.constantFrom('source', 'session_id', 'turn_id', 'approval_id', 'method', 'tool', 'params_preview', 'params'),
      fc.constantFrom('details', 'deadline', 'origin'),
      fc.stringMatching(/^[a-z]{1,8}$/),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<ApprovalRow['origin']>('gate', 'chat', 'request'),
        fc.uniqueArray(name, { maxLength: 8 }),
        (origin, names) => {
          const details = Object.fromEntries(names.map((one, at) => [one, `value-${at}-`]));
          const { title, preview, rest } = subjectOf(row({ origin, details }));
          for (const value of Object.values(details)) expect(`${title}\n${preview}\n${rest}`).toContain(value);
        },
      ),
    );
  });

  test('an agent’s deadline in seconds, milliseconds or as a date › the same moment; anything else says nothing', () => {
    const ends = (deadline: unknown) =>
      subjectOf(row({ origin: 'chat', details: { deadline } as ApprovalRow['details'] })).expiresAt;
    const at = Date.parse('2026-03-01T12:00:00Z');
    for (const deadline of [at, at / 1_000, '2026-03-01T12:00:00Z']) expect(ends(deadline)).toBe(at);
    for (const deadline of ['soon', 0, -1, undefined, null]) expect(ends(deadline)).toBeUndefined();
  });

  test('more than can be read at once › is cut off, says how much, and is there when it is asked for', () => {
    const details = { params_preview: 'x'.repeat(20_005) };
    const { preview, leftOut } = subjectOf(row({ origin: 'gate', details }));
    expect([preview.length, leftOut]).toEqual([20_000, 5]);
    const whole = subjectOf(row({ origin: 'gate', details }), Number.POSITIVE_INFINITY);
    expect([whole.preview.length, whole.leftOut]).toEqual([20_005, 0]);
  });

  test('what cannot be seen, or turns the text around › is written out', () => {
    const subject = subjectOf(row({ action: 'rm \u202Efdp.exe\u200b\u0007', details: { note: 'a\u2066b' } }));
    expect(subject.title).toBe('rm \\u202efdp.exe\\u200b\\u0007');
    expect(subject.preview).toContain('a\\u2066b');
  });
});
