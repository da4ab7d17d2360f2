import { describe, expect, test } from 'vitest';
import { CloseCode, closeReason } from '../../protocol/close-codes.ts';
import { ErrorCode, WireError } from '../../protocol/errors.ts';

describe('WireError › when one is made', () => {
  const limit = { name: 'turns', value: 3 };
  test.each<[name: keyof typeof ErrorCode, error: WireError, code: number, data?: unknown]>([
    ['ParseError', WireError.parseError(), -32700],
    ['InvalidRequest', WireError.invalidRequest('x'), -32600],
    ['MethodNotFound', WireError.methodNotFound(), -32601],
    [
      'InvalidParams',
      WireError.invalidParams([{ path: 'a.0', message: 'wrong' }]),
      -32602,
      { issues: [{ path: 'a.0', message: 'wrong' }] },
    ],
    ['InternalError', WireError.internal(), -32603],
    ['InternalError', WireError.tokenMismatch(), -32603],
    ['AuthRequired', WireError.authRequired(), -32001],
    ['ApprovalDenied', WireError.approvalDenied('timeout', 'ap-1'), -32003, { reason: 'timeout', approval_id: 'ap-1' }],
    ['DeadlineExceeded', WireError.deadlineExceeded('x'), -32004],
    ['HandshakeRequired', WireError.handshakeRequired(), -32005],
    ['VersionMismatch', WireError.versionMismatch([2, 3]), -32006, { supported: [2, 3] }],
    ['SessionBusy', WireError.sessionBusy(), -32010],
    ['AgentNotAttached', WireError.agentNotAttached('a'), -32011, { agent_id: 'a' }],
    ['AgentRejected', WireError.agentRejected({ code: 1 }), -32012, { agent_error: { code: 1 } }],
    ['AgentAckTimeout', WireError.agentAckTimeout(), -32013],
    ['NotFound', WireError.notFound('session'), -32014],
    ['Forbidden', WireError.forbidden('session'), -32015],
    ['ApprovalNotPending', WireError.approvalNotPending(), -32016],
    ['ApprovalNotPending', WireError.approvalNotPending('denied'), -32016, { resolution: 'denied' }],
    ['ToolTimeout', WireError.toolTimeout(), -32017],
    ['ToolCancelled', WireError.toolCancelled('turn_ended'), -32018, { reason: 'turn_ended' }],
    ['ToolUnavailable', WireError.toolUnavailable(), -32019],
    ['LimitExceeded', WireError.limitExceeded('turns', 3), -32020, { limit }],
    ['LimitExceeded', WireError.limitExceeded('turns', 3, 500), -32020, { limit, retry_after_ms: 500 }],
    ['Draining', WireError.draining(), -32021],
  ])('%s › then it has the code, a message and the data of the table', (name, error, code, data) => {
    expect(ErrorCode[name]).toBe(code);
    const { message, ...rest } = error.toObject();
    expect(message).toMatch(/^\S.*\S$/);
    // Without data there is no such member: a client may look whether it is there.
    expect(rest).toEqual(data === undefined ? { code } : { code, data });
    expect('data' in rest).toBe(data !== undefined);
  });

  test('every code of the table › then no two are the same', () => {
    const codes = Object.values(ErrorCode);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test('for a wrong token › then its message is the one that clients know', () => {
    expect(WireError.tokenMismatch().message).toBe('auth failed: token mismatch');
  });
});

test('closeReason › when a code is the broker’s own › then there is a text that fits a close frame', () => {
  for (const code of Object.values(CloseCode)) {
    const reason = closeReason(code);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    if (code !== CloseCode.Normal) expect(reason).not.toBe('');
  }
});
