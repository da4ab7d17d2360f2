import { describe, expect, it } from 'vitest';
import { ConnectionLostError, ErrorCode, ResumeError, RpcError, type TerminalEvent } from '../../client/browser.ts';
import { endOf, endOfError } from '../../console/chat/turn-end.ts';

const terminal = (fields: object) => endOf(fields as unknown as TerminalEvent);

describe('the end of a turn, in words', () => {
  it.each([
    [
      { kind: 'done', finish_reason: 'stop' },
      { tone: 'good', title: 'done' },
    ],
    [
      { kind: 'done', finish_reason: 'length' },
      { tone: 'quiet', title: 'length' },
    ],
    [
      { kind: 'done', finish_reason: ' ' },
      { tone: 'quiet', title: 'done' },
    ],
    [
      { kind: 'done', finish_reason: 'cancelled', synthesized: true },
      { tone: 'quiet', title: 'cancelled' },
    ],
    [
      { kind: 'error', error: 'no credit left', code: 402 },
      { tone: 'bad', title: 'failed', message: 'no credit left', code: '402' },
    ],
    [
      { kind: 'auth_required', reason: 'expired', message: 'sign in at the desk' },
      { tone: 'warn', message: 'sign in at the desk', code: 'expired' },
    ],
  ])('%j', (event, end) => {
    expect(terminal(event)).toMatchObject(end);
  });

  it('says who wrote an end that the agent did not, and whether trying again may help', () => {
    const fields = { kind: 'error', error: 'gone', code: 'agent_disconnected' };
    expect(terminal({ ...fields, synthesized: true }).hint).toContain('The broker wrote');
    expect(terminal({ ...fields, retryable: true }).hint).toContain('trying again');
  });

  it('says what can be done about a refusal', () => {
    const error = new RpcError('agents.chat', { code: ErrorCode.AgentNotAttached, message: 'agent not attached' });
    expect(endOfError(error)).toMatchObject({ title: 'refused', message: 'agent not attached', code: '-32011' });
    expect(endOfError(error).hint).toContain('Start the agent');
  });

  it('when the connection is lost › says that the rest did not arrive', () => {
    expect(endOfError(new ConnectionLostError(1006, ''))).toMatchObject({ tone: 'bad', title: 'connection lost' });
  });

  it.each([
    ['window_over', 'not back in time'],
    ['not_found', 'was restarted, or'],
    ['text_lost', 'More of the answer'],
    ['refused', 'does not let'],
    ['disconnected', 'could not be made'],
  ] as const)('when a turn cannot be gone on with, %s › says why, and that asking again may help', (reason, words) => {
    const end = endOfError(new ResumeError(reason));
    expect(end).toMatchObject({ tone: 'bad', title: 'connection lost', again: true });
    expect(end.message).toContain(words);
  });

  it('when another window has taken the turn › says so', () => {
    const end = endOfError(new ResumeError('taken_over'));
    expect(end).toMatchObject({ tone: 'bad', title: 'taken over' });
    expect(end.message).toContain('Another window goes on');
  });
});
