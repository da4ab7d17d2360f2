import type { MeetingRow } from '../../protocol/meetings.ts';
import { DEFAULT_TENANT, LOCAL, type Principal, principalOfAgent } from '../../protocol/principal.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';

/** What is kept of a meeting besides what was said in it. */
export interface MeetingHead extends Omit<MeetingRow, 'status'> {
  /** What it is kept under: it is one meeting's alone, also where two principals have chosen the same {@link name}. */
  id: string;
  /** The id that its owner has for it. Left out: {@link id}. */
  name?: string | undefined;
  /** Whose it is. Left out, as before there were principals: its agent's, in the default tenant, else the local person's. */
  owner?: Principal | undefined;
  status: 'running' | 'ended' | 'interrupted';
  /** Bytes that what was said in it takes, and its summary; 0 where nothing was said. */
  bytes: number;
}

/** Whose a meeting is. */
export const ownerOf = ({ owner, agent_id }: MeetingHead): Principal =>
  owner ?? (agent_id === null ? LOCAL : principalOfAgent(DEFAULT_TENANT, agent_id));

/** What its owner calls it. */
export const nameOf = ({ name, id }: MeetingHead): string => name ?? id;

/** One line of a meeting's record. Of summaries, and of ends, the last one counts. */
export type MeetingLine =
  | ({ type: 'final' } & TranscriptSegment)
  | { type: 'truncated' }
  | { type: 'summary'; text: string }
  /** `status` where it is not `ended`. */
  | { type: 'ended'; ended_at: number; status?: 'interrupted' };

/** Where meetings are kept: the daemon's files, an embedder's own, or nowhere. */
export interface MeetingStore {
  /** What was kept before. Called once, when the broker is made; a throw is passed on. */
  load(): MeetingHead[];
  /**
   * Begins a record, synchronously. A throw fails the request that starts the meeting: with `-32602` where its `code` is
   * `EEXIST`, the id is taken.
   */
  create(head: MeetingHead): void;
  /**
   * Adds a line. It is on disk within a second; that it could not be written is the store's to log, and to try again.
   * Never throws.
   */
  append(id: string, line: MeetingLine): void;
  /** Everything that was added, what is not yet written too. Nothing where there is no such record. */
  read(id: string): Promise<MeetingLine[]>;
  /** Deletes a record. Never throws. */
  remove(id: string): void;
  /** How often something could not be written since the start, for `/metrics`. */
  readonly writeFailures?: number;
}

/** Keeps meetings for the life of the process. */
export function volatileMeetingStore(): MeetingStore {
  const kept = new Map<string, MeetingLine[]>();
  return {
    load: () => [],
    create: ({ id }) => void kept.set(id, []),
    append: (id, line) => void kept.get(id)?.push(line),
    read: async (id) => [...(kept.get(id) ?? [])],
    remove: (id) => void kept.delete(id),
  };
}
