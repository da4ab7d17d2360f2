import { useRef } from 'preact/hooks';
import { RpcError } from '../../client/browser.ts';
import type { KeyRow } from '../../protocol/keys.ts';
import { ofSession } from '../sign-out.ts';
import { usePoll } from '../use-poll.ts';

const POLL_MS = 3_000;

/** The keys that whoever is signed in manages, or those that are looked for; undefined until the daemon has said so. */
export const keys = ofSession<readonly KeyRow[] | undefined>(undefined);
/** Why they cannot be listed now. */
export const problem = ofSession<string | undefined>(undefined);
/** Counts what was changed here: the list is asked for anew. */
const changes = ofSession(0);

/** What tells a key from every other. */
export const keyOf = ({ tenant, name }: Pick<KeyRow, 'tenant' | 'name'>): string => `${tenant}/${name}`;

/** Keeps {@link keys} up to date while a component is there. @param wanted - who is looked for: of thousands only the newest are told */
export function useKeys(wanted: string): void {
  const like = wanted.trim();
  const newest = useRef(like);
  newest.current = like;
  usePoll(
    POLL_MS,
    async (host) => {
      try {
        const rows = await host.request('keys.list', { like });
        if (newest.current !== like) return;
        // The newest first: it is the one that somebody has just made.
        keys.value = [...rows].sort((one, other) =>
          one.created_at < other.created_at ? 1 : one.created_at > other.created_at ? -1 : 0,
        );
        problem.value = undefined;
      } catch (error) {
        // Of a lost connection the whole page tells.
        if (error instanceof RpcError) problem.value = error.message;
      }
    },
    [changes.value, like],
  );
}

/** Something was changed here. */
export function noteChange(): void {
  changes.value += 1;
}
