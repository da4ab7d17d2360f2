import { describe, expect, it } from 'vitest';
import type { ApprovalRow } from '../../client/browser.ts';
import { afterAnswer, groupsOf, matches, stepFrom } from '../../console/approvals/groups.ts';
import { noticeOf } from '../../console/approvals/notice-of.ts';
import { SETTLE_MS, Settling } from '../../console/approvals/settled.ts';

const at = (seconds: number) => new Date(seconds * 1_000).toISOString();

const row = (id: string, fields: Partial<ApprovalRow> = {}): ApprovalRow => ({
  id,
  origin: 'request',
  agent_id: 'coder',
  action: id,
  details: {},
  options: ['approve', 'deny'],
  status: 'pending',
  created_at: at(1),
  ...fields,
});

const gate = (id: string, preview: string, fields: Partial<ApprovalRow> = {}) =>
  row(id, {
    origin: 'gate',
    action: 'ws.method:tools.execute',
    details: { method: 'tools.execute', params_preview: preview, session_id: `s-${id}`, turn_id: `t-${id}` },
    ...fields,
  });

const ids = (rows: readonly ApprovalRow[]) =>
  groupsOf(rows).map(({ waiting, settled }) => [...waiting, ...settled].map(({ id }) => id).join('+'));

describe('what is a group', () => {
  it('same agent, action, method, parameters and answers, in whatever turn', () => {
    expect(ids([gate('a', '{"x":1}'), gate('b', '{"x":1}')])).toEqual(['a+b']);
    const chat = { origin: 'chat', action: 'paint' } as const;
    const asked = (id: string, params: object) =>
      row(id, { ...chat, details: { turn_id: id, approval_id: id, params } as ApprovalRow['details'] });
    expect(ids([asked('a', { x: 1 }), asked('b', { x: 1 }), asked('c', { x: 2 })])).toEqual(['a+b', 'c']);
  });

  it.each([
    ['another agent', { agent_id: 'other' }],
    ['another action', { action: 'ws.method:mail.send' }],
    ['other answers', { options: ['approve', 'deny', 'later'] }],
    ['other parameters', { details: { method: 'tools.execute', params_preview: '{"x":2}' } }],
    ['another method', { details: { method: 'mail.send', params_preview: '{"x":1}' } }],
    ['somebody else’s words in the same shape', { origin: 'request' as const }],
  ])('%s › is another', (_what, fields) => {
    expect(ids([gate('a', '{"x":1}'), gate('b', '{"x":1}', fields)])).toHaveLength(2);
  });

  it('what a client asks with is its own words › ids among them set it apart', () => {
    const asked = (id: string, turn_id: string) => row(id, { action: 'x', details: { turn_id } });
    expect(ids([asked('a', '1'), asked('b', '2'), asked('c', '1')])).toEqual(['a+c', 'b']);
  });

  it('of what is not shown whole › nothing is the same', () => {
    expect(ids([gate('a', '{"x":"long…"}'), gate('b', '{"x":"long…"}')])).toHaveLength(2);
    expect(ids([gate('a', '{"x": "cut …'), gate('b', '{"x": "cut …')])).toHaveLength(2);
    const kept = { origin: 'chat', action: 'x', details: { truncated: true } } as const;
    expect(ids([row('a', kept), row('b', kept)])).toHaveLength(2);
  });
});

describe('the order', () => {
  it('who has the least time first, then who waits the longest; who waits for ever last', () => {
    const rows = [
      row('ever', { created_at: at(1) }),
      row('later ever', { created_at: at(2) }),
      row('minute', { expires_at: at(60) }),
      row('second', { expires_at: at(2), created_at: at(3) }),
      row('chat', { origin: 'chat', details: { deadline: 30 } }),
    ];
    expect(ids(rows.reverse())).toEqual(['second', 'chat', 'minute', 'ever', 'later ever']);
  });

  it('one that was answered keeps its place, and is no part of those of its kind that wait', () => {
    const rows = [
      row('first', { expires_at: at(2) }),
      row('gone', { expires_at: at(3), status: 'denied' }),
      row('a', { action: 'same', expires_at: at(4), status: 'approved' }),
      row('b', { action: 'same', expires_at: at(9) }),
      row('last', { expires_at: at(5) }),
    ];
    expect(ids(rows)).toEqual(['first', 'gone', 'b+a', 'last']);
  });
});

describe('from one to the next', () => {
  const groups = groupsOf([
    row('one', { created_at: at(1) }),
    row('over', { created_at: at(2), status: 'denied' }),
    row('a', { action: 'same', created_at: at(3) }),
    row('b', { action: 'same', created_at: at(4) }),
    row('two', { created_at: at(5) }),
  ]);

  it.each([
    ['one', 1, 'a'],
    ['a', 1, 'two'],
    ['b', -1, 'one'],
    ['two', 1, undefined],
    ['one', -1, undefined],
    ['over', 1, 'a'],
    [undefined, 1, 'one'],
    [undefined, -1, 'two'],
    ['filtered out', 1, 'one'],
  ] as const)('from %s, %i › %s', (from, step, to) => {
    expect(stepFrom(groups, from, step)?.id).toBe(to);
  });

  it('the one that is looked at was answered, and one of its kind still waits › that one', () => {
    const settled = groupsOf([row('a', { action: 'same', status: 'denied' }), row('b', { action: 'same' })]);
    expect(stepFrom(settled, 'a', 1)?.id).toBe('b');
  });

  it.each([
    ['a', 'b'],
    ['one', 'a'],
    ['two', 'one'],
  ])('after the answer to %s › %s', (id, next) => {
    expect(afterAnswer(groups, id)?.id).toBe(next);
  });

  it('after the answer to the last one › nothing', () => {
    expect(afterAnswer(groupsOf([row('only')]), 'only')).toBeUndefined();
  });
});

describe('the filter', () => {
  const [group] = groupsOf([gate('a', '{"path":"/etc/Passwd"}')]);
  it.each([
    ['', true],
    ['coder', true],
    ['tools.EXECUTE passwd', true],
    ['coder shadow', false],
  ])('%j › %s', (filter, fits) => {
    expect(group && matches(group, filter)).toBe(fits);
  });
});

describe('what has only just come up', () => {
  it('is not answered before half a second, each for itself, and anew when the page is turned to', () => {
    const settling = new Settling();
    settling.show(['a'], 1_000);
    settling.show(['a', 'b'], 1_300);
    const settled = (now: number) => ['a', 'b', 'never shown'].map((id) => settling.isSettled(id, now));
    expect(settled(1_000 + SETTLE_MS - 1)).toEqual([false, false, false]);
    expect(settling.next(new Set(), 1_400)).toBe(100);
    expect(settled(1_000 + SETTLE_MS)).toEqual([true, false, false]);
    expect(settled(1_300 + SETTLE_MS)).toEqual([true, true, false]);
    // One that has settled since the page was drawn is drawn again at once.
    expect(settling.next(new Set(['a']), 1_300 + SETTLE_MS + 1)).toBe(0);
    expect(settling.next(new Set(['a', 'b']), 1_300 + SETTLE_MS)).toBeUndefined();
    settling.restart(9_000);
    expect(settled(9_000 + SETTLE_MS - 1)).toEqual([false, false, false]);
    // What went and came again has come anew.
    settling.show([], 10_000);
    settling.show(['a'], 10_001);
    expect(settled(10_002)).toEqual([false, false, false]);
  });
});

describe('a notification', () => {
  it('says the agent and the action alone, written out, and how many more', () => {
    const secret = gate('a', '{"key":"hunter2"}', { action: 'ws.method:mail.\u202esend' });
    expect(noticeOf([secret])).toEqual({
      title: 'Approval: agent coder, whose request is held back',
      body: 'mail.\\u202esend',
    });
    const chat = row('b', { origin: 'chat', action: 'x'.repeat(500), details: { params: { key: 'hunter2' } } });
    const said = noticeOf([chat, secret, secret]);
    expect(said?.body).toBe(`${'x'.repeat(120)}…, and 2 more`);
    expect(JSON.stringify(said)).not.toContain('hunter2');
    expect(noticeOf([])).toBeUndefined();
  });
});
