import { randomBytes } from 'node:crypto';
import type { ToolCall } from '../../client/node.ts';
import { ErrorCode, WireError } from '../../protocol/wire-error.ts';

/** A call of one of the client's tools, as a front shows it. */
export interface AskedCall {
  /** Unique, also among those that a daemon before this one has asked for: clients keep their conversations. */
  readonly id: string;
  readonly name: string;
  readonly args: unknown;
}

/** What a client has made of a call. */
export type CallAnswer = { result: unknown } | { error: string };

/** Calls that come within so many milliseconds are shown together. */
export const TOGETHER_MS = 50;
/** So many times within its time a call that waits for its client says that it still does. */
const SIGNS_OF_LIFE = 3;
/** Timers cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What the ids of this process's calls end in: the broker counts its own anew. */
const PROCESS = randomBytes(6).toString('base64url');

interface Waiting extends AskedCall {
  isShown: boolean;
  answer(answer: CallAnswer): void;
}

/** The calls of one turn that wait for its client. */
export class AskedCalls {
  readonly #waiting = new Map<string, Waiting>();
  /** Those that its client was last shown, ended ones too. */
  readonly #shown = new Set<string>();

  /** Whether its client was asked for this one, and has not answered. */
  awaits(id: string): boolean {
    return this.#shown.has(id);
  }

  /** Whether its client was asked for one of these, and has not answered. */
  awaitsAny(ids: Pick<ReadonlySet<string>, 'has'>): boolean {
    for (const id of this.#shown) if (ids.has(id)) return true;
    return false;
  }

  /** One more; resolves to its result. Rejects with what the agent is told. */
  add(call: ToolCall, name: string, args: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // The agent's patience is for a tool that is at work; this one waits for a client that comes back.
      const every = Math.min(MAX_TIMER_MS, Math.max(1, Math.floor(call.timeoutMs / SIGNS_OF_LIFE)));
      const alive = setInterval(() => call.progress(), every);
      alive.unref();
      const id = `${call.requestId}-${PROCESS}`;
      const end = () => {
        clearInterval(alive);
        this.#waiting.delete(id);
      };
      call.signal.addEventListener('abort', end);
      this.#waiting.set(id, {
        id,
        name,
        args,
        isShown: false,
        answer(answer) {
          end();
          if ('result' in answer) resolve(answer.result);
          else reject(new WireError(ErrorCode.InternalError, answer.error));
        },
      });
    });
  }

  /** Those that its client does not know of yet. */
  get areNew(): boolean {
    for (const { isShown } of this.#waiting.values()) if (!isShown) return true;
    return false;
  }

  /** The same; from now on it knows. */
  show(): AskedCall[] {
    const due = [...this.#waiting.values()].filter(({ isShown }) => !isShown);
    for (const call of due) {
      call.isShown = true;
      this.#shown.add(call.id);
    }
    return due.map(({ id, name, args }) => ({ id, name, args }));
  }

  /** Those that it knows of, and that wait for it. */
  get open(): string[] {
    return [...this.#shown].filter((id) => this.#waiting.has(id));
  }

  /** What its client says to what it was shown. @param others what becomes of a call that it says nothing of. */
  answer(answers: ReadonlyMap<string, CallAnswer>, others: 'fail' | 'wait' = 'fail'): void {
    for (const id of this.#shown) {
      const answer = answers.get(id);
      if (!answer && others === 'wait' && this.#waiting.has(id)) continue;
      this.#waiting.get(id)?.answer(answer ?? { error: 'the client sent no result for this call' });
      this.#shown.delete(id);
    }
  }
}
