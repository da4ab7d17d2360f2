import { useState } from 'preact/hooks';
import { type Host, RpcError } from '../client/browser.ts';
import { visibleLine } from '../protocol/visible.ts';
import { usePoll } from './use-poll.ts';

/**
 * Asks the daemon again and again, as {@link usePoll} does.
 *
 * @returns why it refuses, if so: whoever manages one tenant is not told of all. Of a lost connection the whole page tells.
 */
export function useAsked(
  ms: number,
  ask: (host: Host) => Promise<void>,
  inputs: readonly unknown[] = [],
): string | undefined {
  const [problem, setProblem] = useState<string>();
  usePoll(
    ms,
    async (host) => {
      try {
        await ask(host);
        setProblem(undefined);
      } catch (error) {
        if (error instanceof RpcError) setProblem(error.message);
      }
    },
    inputs,
  );
  return problem;
}

/** What stands in place of what was asked for, until it is there. @param words - why the daemon refuses, if it does */
export function Asking({ words, isThere }: { words: string | undefined; isThere: boolean }) {
  if (words === undefined) return isThere ? null : <p class="empty">Asking the daemon …</p>;
  return (
    <p class="problem" role="alert">
      The daemon refuses: {visibleLine(words)}. It is tried again.
    </p>
  );
}
