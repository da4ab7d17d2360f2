import { z } from 'zod';
import { FrameKind, textFrame } from './frame.ts';

/** The most bytes of a heartbeat. */
export const MAX_HEARTBEAT_BYTES = 16 * 1024;

const heartbeat = z.object({
  /** The broker's name. */
  id: z.string().max(64),
  /** The id of its life. */
  epoch: z.string().min(1).max(128),
  /** Where clients reach it. */
  urls: z.array(z.string().max(1_024)).max(8),
  /** Share of one core that it has used lately, 0 to 1; more where it has several threads. */
  load: z.number().min(0).max(1_024),
  /** Live turns. */
  turns: z.number().int().min(0),
});

/** What each broker tells all others, twice a second. */
export type Heartbeat = z.infer<typeof heartbeat>;

/** A heartbeat as a frame of no link. */
export function heartbeatFrame(beat: Heartbeat): Buffer {
  const head = { kind: FrameKind.heartbeat, flags: 0, ours: 0, theirs: 0, lseq: 0, ack: 0, from: beat.id } as const;
  return textFrame(head, JSON.stringify(beat));
}

/** What a heartbeat's body says; undefined where it is none of that broker's. */
export function readHeartbeat(body: Buffer, from: string): Heartbeat | undefined {
  if (body.length > MAX_HEARTBEAT_BYTES) return;
  try {
    const { data } = heartbeat.safeParse(JSON.parse(body.toString()));
    return data?.id === from ? data : undefined;
  } catch {
    return;
  }
}
