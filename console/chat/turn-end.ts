import {
  BufferOverflowError,
  ConnectionClosedError,
  ConnectionLostError,
  ErrorCode,
  RpcError,
  type TerminalEvent,
} from '../../client/browser.ts';

/** How a turn ended, in words. */
export interface TurnEnd {
  tone: 'good' | 'quiet' | 'bad' | 'warn';
  /** One or two words: `stop`, `cancelled`, `error`. */
  title: string;
  /** What happened. */
  message?: string;
  /** The wire's code, or the agent's own. */
  code?: string;
  /** What can be done about it. */
  hint?: string;
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
      return { tone: event.finish_reason === 'stop' ? 'good' : 'quiet', title: event.finish_reason };
    case 'error': {
      const code = event.code === undefined ? {} : { code: String(event.code) };
      const again = event.retryable ? { hint: 'The agent says that trying again may help.' } : {};
      return { tone: 'bad', title: 'error', message: event.error, ...code, ...maker, ...again };
    }
    case 'auth_required':
      return {
        tone: 'warn',
        title: 'sign-in needed',
        message: event.message,
        code: event.reason,
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
      hint: 'Send it again once the page is connected.',
    };
  }
  if (error instanceof BufferOverflowError) {
    return { tone: 'bad', title: 'too fast', message: 'The answer came faster than this page could read it.' };
  }
  return { tone: 'bad', title: 'failed', message: error instanceof Error ? error.message : String(error) };
}

/** An error of the wire: what it says, its code, and what can be done. */
export function wordsOf(error: RpcError): Pick<TurnEnd, 'message' | 'code' | 'hint'> {
  const hint = HINTS[error.code];
  return { message: error.message, code: String(error.code), ...(hint ? { hint } : {}) };
}
