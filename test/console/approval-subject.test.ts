import { describe, expect, test } from 'vitest';
import type { ApprovalRow } from '../../client/browser.ts';
import { subjectOf } from '../../console/approvals/subject.ts';

const row = (fields: Partial<ApprovalRow>): ApprovalRow => ({
  id: 'approval-1',
  agent_id: 'echo',
  action: 'paint',
  details: {},
  options: ['approve', 'deny'],
  status: 'pending',
  created_at: 1_000,
  ...fields,
});

describe('subjectOf › what a person reads of an approval', () => {
  test('a request at the gate › by its method, with its parameters, and the time that is left', () => {
    const subject = subjectOf(
      row({
        action: 'ws.method:tools.execute',
        details: { method: 'tools.execute', tool: 'risky', params_preview: '{"a":1}', session_id: 's', turn_id: 't' },
        expires_at: 61_000,
      }),
    );
    expect(subject).toMatchObject({
      title: 'tools.execute: risky',
      raiser: 'agent echo, whose request is held back',
      preview: '{\n  "a": 1\n}',
      turnId: 't',
      sessionId: 's',
      expiresAt: 61_000,
    });
  });

  test('a preview that was cut off, and is no JSON any more › as it is', () => {
    expect(subjectOf(row({ details: { params_preview: '{"a": "xxx…' } })).preview).toBe('{"a": "xxx…');
  });

  test('a chat’s › without the ids that are for machines, its parameters alone', () => {
    const details = {
      source: 'chat',
      session_id: 's',
      turn_id: 't',
      approval_id: 'a',
      tool: 'paint',
      params: { b: 2 },
    };
    expect(subjectOf(row({ details }))).toMatchObject({ raiser: 'agent echo, in a chat', preview: '{\n  "b": 2\n}' });
    const other = { ...details, tool: 'brush', details: 'why' };
    expect(subjectOf(row({ details: other })).preview).toBe(
      '{\n  "tool": "brush",\n  "params": {\n    "b": 2\n  },\n  "details": "why"\n}',
    );
  });

  test('a host’s, with nothing told › without a preview', () => {
    expect(subjectOf(row({ agent_id: null }))).toMatchObject({ title: 'paint', raiser: 'a host', preview: '' });
  });

  test('somebody calls theirs what a gate’s is called › and it is not taken for one', () => {
    const subject = subjectOf(row({ action: 'ws.method:mail.send' }));
    expect(subject).toMatchObject({ title: 'ws.method:mail.send', raiser: 'agent echo' });
  });

  test('an agent’s deadline in seconds, milliseconds or as a date › the same moment; anything else says nothing', () => {
    const at = Date.parse('2026-03-01T12:00:00Z');
    for (const deadline of [at, at / 1_000, '2026-03-01T12:00:00Z']) {
      expect(subjectOf(row({ details: { deadline } })).expiresAt).toBe(at);
    }
    for (const deadline of ['soon', 0, -1, undefined, null]) {
      expect(subjectOf(row({ details: { deadline } as ApprovalRow['details'] })).expiresAt).toBeUndefined();
    }
  });

  test('more than can be read › is cut off, and says how much', () => {
    const { preview, leftOut } = subjectOf(row({ details: { params_preview: 'x'.repeat(20_005) } }));
    expect([preview.length, leftOut]).toEqual([20_000, 5]);
  });

  test('what cannot be seen, or turns the text around › is written out', () => {
    const subject = subjectOf(row({ action: 'rm \u202Efdp.exe\u200b\u0007', details: { note: 'a\u2066b' } }));
    expect(subject.title).toBe('rm ⟨U+202E⟩fdp.exe⟨U+200B⟩⟨U+0007⟩');
    expect(subject.preview).toContain('a⟨U+2066⟩b');
  });
});
