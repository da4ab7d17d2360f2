import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import type { Turn } from './turn-record.ts';

/** Said to a guest whose turn is at another broker now, and to one whose turn has another host. No client hears of it. */
export const MOVED = 'cluster.turn_moved';
export const RELIEVED = 'cluster.turn_relieved';

/** Whoever reads a turn that has moved: the connection, as what, and how far it has come. */
export interface LeftReader {
  readonly client: Client;
  readonly turnId: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly role: 'controller' | 'observer';
  /** What it has called itself when it took the turn up; whoever has opened it has not. */
  readonly claim: string | undefined;
  readonly isOpener: boolean;
  readonly seq: number;
  /** Its turn was cancelled with grace, which ends then, in the clock's milliseconds: the next broker may not know of it. */
  readonly graceEndsAt: number | undefined;
}

/** Hears of each reader of a turn that goes on at another broker. */
export const LEFT_READERS = key<(reader: LeftReader) => void>('readers of moved turns');

/** Whoever reads the turn goes on elsewhere. */
export function leaveReaders(kernel: Kernel, turn: Turn): void {
  const left = kernel.peek(LEFT_READERS);
  if (!left) return;
  const { id: turnId, sessionId, agentId, host, observers, ahead } = turn;
  const readers = [
    ...(host ? [[host, 'controller'] as const] : []),
    ...[...observers].map((one) => [one, 'observer'] as const),
  ];
  const known = turn.log?.key.claim;
  const claim = typeof known === 'string' ? known : undefined;
  for (const [client, role] of readers) {
    const isOpener = role === 'controller' && known === undefined;
    const seq = Math.max(turn.seq, ahead?.of(client) ?? 0);
    const graceEndsAt = role === 'controller' ? turn.graceEndsAt : undefined;
    left({ client, role, turnId, sessionId, agentId, claim, isOpener, seq, graceEndsAt });
  }
}
