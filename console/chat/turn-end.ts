import {
  BufferOverflowError,
  ConnectionClosedError,
  ConnectionLostError,
  ErrorCode,
  ResumeError,
  type ResumeFailure,
  RpcError,
  type TerminalEvent,
} from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';

/** How a turn ended, in words. */
export interface TurnEnd {
  tone: 'good' | 'quiet' | 'bad' | 'warn';
  /** One or two words: `done`, `cancelled`, `failed`. */
  title: string;
  /** What happened. */
  message?: string;
  /** The wire's code, or the agent's own. */
  code?: string;
  /** What can be done about it. */
  hint?: string;
  /** Whether it may help to ask the same again. */
  again?: boolean;
  /** What the turn took: `2.4 s`, `412 tokens`. */
  figures?: readonly string[];
}

/** What a person can do about a refusal. */
const HINTS: Partial<Record<number, string>> = {
  [ErrorCode.SessionBusy]: 'The session has a turn that still runs. Wait for it, or cancel it.',
  [ErrorCode.AgentNotAttached]: 'Start the agent, or choose another one.',
  [ErrorCode.AgentAckTimeout]: 'The agent did not answer within five seconds. It may be stuck.',
  [ErrorCode.LimitExceeded]: 'Wait a moment, or cancel other turns.',
  [ErrorCode.Draining]: 'The daemon is stopping. Try again when it is back.',
  [ErrorCode.ApprovalNotPending]: 'Somebody was faster, or the agent waits no more.',
};

/** The end that an agent, or the broker for it, has written. */
export function endOf(event: TerminalEvent): TurnEnd {
  const maker = event.synthesized ? { hint: 'The broker wrote this end, because the agent could not.' } : {};
  switch (event.kind) {
    case 'done':
      if (event.finish_reason === 'cancelled') return { tone: 'quiet', title: 'cancelled' };
      // What an agent calls its ordinary end says no more than that it is one.
      if (event.finish_reason === 'stop') return { tone: 'good', title: 'done' };
      return { tone: 'quiet', title: visibleLine(event.finish_reason.trim()) || 'done' };
    case 'error': {
      const code = event.code === undefined ? {} : { code: visibleLine(String(event.code)) };
      const again = event.retryable ? { hint: 'The agent says that trying again may help.', again: true } : {};
      return { tone: 'bad', title: 'failed', message: event.error, ...code, ...maker, ...again };
    }
    case 'auth_required':
      return {
        tone: 'warn',
        title: 'sign-in needed',
        message: event.message,
        code: visibleLine(event.reason),
        hint: 'The agent cannot go on before it is signed in where it says.',
      };
  }
}

/** The end of a turn that was refused, or whose events do not come any more. */
export function endOfError(error: unknown): TurnEnd {
  if (error instanceof RpcError) return { tone: 'bad', title: 'refused', ...wordsOf(error) };
  if (error instanceof ConnectionLostError || error instanceof ConnectionClosedError) {
    return {
      tone: 'bad',
      title: 'connection lost',
      message: 'The rest of this answer did not arrive, and the broker has ended its turn.',
      hint: 'Ask again once the page is connected.',
      again: true,
    };
  }
  if (error instanceof ResumeError) {
    return { tone: 'bad', title: 'connection lost', again: true, ...RESUME_FAILURES[error.reason] };
  }
  if (error instanceof BufferOverflowError) {
    return { tone: 'bad', title: 'too fast', message: 'The answer came faster than this page could read it.' };
  }
  return { tone: 'bad', title: 'failed', message: error instanceof Error ? error.message : String(error) };
}

/** Why an answer does not go on after its connection was lost, and what can be done. */
const RESUME_FAILURES: Record<ResumeFailure, Pick<TurnEnd, 'message' | 'hint'> & Partial<TurnEnd>> = {
  window_over: {
    message: 'The connection was not back in time: the broker has ended the turn.',
    hint: 'Ask again once the page is connected.',
  },
  not_found: {
    message: 'The daemon does not know this turn any more: it was restarted, or the turn was over too long ago.',
    hint: 'What is shown is all that arrived. Ask again.',
  },
  text_lost: {
    message: 'More of the answer was missed than the daemon keeps. The turn was cancelled.',
    hint: 'Ask again, for a shorter answer perhaps.',
  },
  taken_over: {
    title: 'taken over',
    message: 'Another window goes on with this turn: the rest of the answer is there.',
    hint: 'Ask again when it is over.',
  },
  refused: { message: 'The daemon does not let this page go on with the turn.', hint: 'Ask again.' },
  disconnected: {
    message: 'The connection could not be made again.',
    hint: 'Ask again once the page is connected.',
  },
};

/** The end of a turn that was cancelled before the agent was asked. */
export function endOfCancel(): TurnEnd {
  return { tone: 'quiet', title: 'cancelled' };
}

/** The end of a turn that a page left before its agent had taken it, or that its daemon does not keep. */
export function endOfReload(): TurnEnd {
  return {
    tone: 'bad',
    title: 'interrupted',
    message: 'The page was left before the agent had taken this, or the daemon keeps no turns: it ended with the page.',
    hint: 'Ask again.',
    again: true,
  };
}

/** An error of the wire: what it says, its code, and what can be done. */
export function wordsOf(error: RpcError): Pick<TurnEnd, 'message' | 'code' | 'hint'> {
  const hint = HINTS[error.code];
  return { message: error.message, code: String(error.code), ...(hint ? { hint } : {}) };
}
