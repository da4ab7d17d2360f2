import type { SurfaceAction } from './surfaces.ts';

/** One action for an A2A agent (`wire.md` section 11). */
export interface A2aMessage {
  /** Where it goes: `http:` or `https:`. A redirect from there is a failure. */
  readonly endpoint: string;
  /** Its credentials, for requests to exactly that endpoint. Secrets: in no log and no error. */
  readonly headers: Readonly<Record<string, string>>;
  /** The trace that it belongs to, for the header of that name; its baggage stays here. */
  readonly traceparent?: string | undefined;
  /** Unique, so that an agent can tell a repetition. */
  readonly messageId: string;
  readonly taskId: string | undefined;
  readonly contextId: string | undefined;
  readonly action: SurfaceAction;
  /** The answer is read no further than that. Bytes. */
  readonly maxAnswerBytes: number;
  /** Aborts when nobody waits any more: the time is over, or the broker stops. */
  readonly signal: AbortSignal;
}

/** What an A2A agent answered: a task or a message. */
export interface A2aAnswer {
  /** The generation of A2A that it speaks. */
  readonly protocol: '1.0' | '0.3';
  readonly taskId?: string | undefined;
  readonly contextId?: string | undefined;
  /** Of a task, as A2A 1.0 names it: `TASK_STATE_COMPLETED`. */
  readonly state?: string | undefined;
  /** What it says in words, if anything. */
  readonly text?: string | undefined;
  /** The task or message as JSON; envelopes are looked for in it. */
  readonly payload: unknown;
}

/** Sends actions to A2A agents. What it rejects with is told to whoever acted where it is an {@link A2aError}. */
export interface A2aClient {
  send(message: A2aMessage): Promise<A2aAnswer>;
}

const A2A_FAILURES = ['unreachable', 'redirect', 'http', 'too_large', 'rejected', 'invalid_answer', 'timeout'] as const;
/** Why an action did not get through. `timeout`: the outcome is unknown. */
export type A2aFailure = (typeof A2A_FAILURES)[number];

/** Whether it is one of them: at run time an embedder's client may say anything. */
export function isA2aFailure(reason: unknown): reason is A2aFailure {
  return A2A_FAILURES.some((known) => known === reason);
}

/** An action that did not get through. Its message is for whoever acted. */
export class A2aError extends Error {
  override readonly name = 'A2aError';
  readonly reason: A2aFailure;

  constructor(reason: A2aFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}
