import { beforeEach, expect, test } from 'vitest';
import type { ApprovalRow } from '../../client/node.ts';
import { approvals, keepApprovals, pending, replaceApprovals } from '../../console/approval-rows.ts';
import { forgetAll } from '../../console/sign-out.ts';

const row = (id: string, status: ApprovalRow['status'] = 'pending', created_at = 0) =>
  ({
    id,
    action: 'x',
    agent_id: null,
    details: {},
    status,
    options: ['approve', 'deny'],
    created_at: new Date(created_at).toISOString(),
  }) as unknown as ApprovalRow;

beforeEach(() => replaceApprovals([]));

test('those that wait › are told of in the order in which they were raised', () => {
  replaceApprovals([row('b', 'pending', 2), row('c', 'denied', 3), row('a', 'pending', 1)]);
  keepApprovals([row('d', 'pending', 4)]);
  expect(pending.value.map(({ id }) => id)).toEqual(['a', 'b', 'd']);
});

test('one that was answered › stays so, whatever comes late', () => {
  keepApprovals([row('a')]);
  keepApprovals([row('a', 'approved')]);
  keepApprovals([row('a')]);
  expect(approvals.value.get('a')?.status).toBe('approved');
});

test('of the resolved ones › the newest 500 are kept, and every pending one', () => {
  keepApprovals([row('waits')]);
  keepApprovals(Array.from({ length: 600 }, (_, n) => row(`a${n}`, 'denied')));
  expect(approvals.value.size).toBe(501);
  expect(approvals.value.has('waits')).toBe(true);
  expect(approvals.value.has('a99')).toBe(false);
  expect(approvals.value.has('a100')).toBe(true);
});

test('after signing out › there are none', () => {
  keepApprovals([row('a')]);
  forgetAll();
  expect(approvals.value.size).toBe(0);
});
