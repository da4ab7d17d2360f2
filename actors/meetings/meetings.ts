import type { Limits } from '../../protocol/limits.ts';
import type { MeetingStatus } from '../../protocol/meetings.ts';
import { type Principal, principalKey } from '../../protocol/principal.ts';
import type { TranscriptSegment } from '../../protocol/voice.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadlines } from '../kernel/deadlines.ts';
import { key } from '../kernel/key.ts';
import type { Logger } from '../kernel/log.ts';
import { sees } from '../kernel/sight.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { chooseVictims } from './eviction.ts';
import type { Meeting } from './meeting-record.ts';
import {
  type MeetingHead,
  type MeetingLine,
  type MeetingStore,
  nameOf,
  ownerOf,
  volatileMeetingStore,
} from './meeting-store.ts';
import { heardText, type MeetingText } from './meeting-text.ts';
import { Readings } from './readings.ts';

/** What meetings need of their broker. */
export interface MeetingsOptions {
  limits: Limits;
  log: Logger;
  deadlines: Deadlines;
  /** Default: one for the life of the process. */
  store?: MeetingStore | undefined;
}

/** The meetings of a broker. */
export const MEETINGS = key<Meetings>('meetings');

/**
 * Every meeting of a broker: those that run, and what is kept of the others. Our own Maps: law 3. The store may be an
 * embedder's, and is called from the root's own actions: whatever it throws goes no further (law 11).
 */
export class Meetings {
  readonly #limits: Limits;
  readonly #log: Logger;
  readonly #store: MeetingStore;
  readonly #readings: Readings;
  /** The oldest first. */
  readonly #heads = new Map<string, MeetingHead>();
  /** The same by whose they are, and what that one calls them. */
  readonly #byName = new Map<string, MeetingHead>();
  /** Which connection held what is kept of this start. */
  readonly #clientIds = new WeakMap<MeetingHead, string>();
  readonly #live = new Map<string, Meeting>();
  /** What waits for the memory, of all meetings. */
  ingestingBytes = 0;
  /** Meetings that were opened. */
  opened = 0;
  #bytes = 0;
  #failures = 0;

  constructor({ limits, log, deadlines, store = volatileMeetingStore() }: MeetingsOptions) {
    this.#limits = limits;
    this.#log = log;
    this.#store = store;
    this.#readings = new Readings(store, limits, deadlines, () => this.#makeRoom());
    for (const head of store.load().sort((a, b) => a.started_at - b.started_at)) {
      this.#heads.set(head.id, head);
      this.#byName.set(nameKey(ownerOf(head), nameOf(head)), head);
      this.#bytes += head.bytes;
    }
    this.#makeRoom();
  }

  get heads(): Iterable<MeetingHead> {
    return this.#heads.values();
  }
  get live(): Iterable<Meeting> {
    return this.#live.values();
  }
  /** How often something could not be written. */
  get writeFailures(): number {
    return this.#failures + (this.#store.writeFailures ?? 0);
  }

  head(id: string): MeetingHead | undefined {
    return this.#heads.get(id);
  }
  /** What this principal calls so. */
  named(owner: Principal, name: string): MeetingHead | undefined {
    return this.#byName.get(nameKey(owner, name));
  }
  /**
   * The one that a client means: its principal's own, else one that it sees, by what that is kept under. Undefined also where
   * there is one that does not exist for it (`wire.md` section 2).
   */
  meant(from: Client, id: string): MeetingHead | undefined {
    const own = this.named(from.principal, id);
    if (own) return own;
    const other = this.head(id);
    return other && sees(from, ownerOf(other), other.agent_id ?? undefined) ? other : undefined;
  }
  find(id: string): Meeting | undefined {
    return this.#live.get(id);
  }
  *ofClient(client: unknown): Iterable<Meeting> {
    for (const meeting of this.#live.values()) if (meeting.client === client) yield meeting;
  }

  statusOf(head: MeetingHead): MeetingStatus {
    const live = this.#live.get(head.id);
    if (live && !live.hasBegun) return 'starting';
    const state = live?.ref?.getSnapshot().value;
    return state === 'finishing' || state === 'summarizing' ? state : head.status;
  }

  /** Begins a record. A throw is the store's. */
  add(meeting: Meeting): void {
    const { id, head, client } = meeting;
    this.#store.create(head);
    this.#readings.outdate(id);
    this.#heads.set(id, head);
    this.#byName.set(nameKey(ownerOf(head), nameOf(head)), head);
    this.#clientIds.set(head, client.id);
    this.#live.set(id, meeting);
  }

  /** Keeps what was said. Beyond `maxMeetingBytes` nothing more is, and the record says so. */
  keepFinal(meeting: Meeting, segment: TranscriptSegment): void {
    const { maxMeetingBytes } = this.#limits;
    if (meeting.isTruncated) return;
    const bytes = jsonBytes(segment);
    if (meeting.bytes + bytes > maxMeetingBytes) {
      meeting.isTruncated = true;
      this.#log.warn({ meeting: meeting.id, limit: maxMeetingBytes }, 'a meeting is too large; its rest is not kept');
      this.#append(meeting.head, { type: 'truncated' }, 0);
      return;
    }
    meeting.bytes += bytes;
    this.#append(meeting.head, { type: 'final', ...segment }, bytes);
  }

  /** Keeps the summary. Whoever calls this has looked whether there is one: a record has one at most. */
  keepSummary(head: MeetingHead, text: string): void {
    this.#append(head, { type: 'summary', text }, jsonBytes(text));
    // The end stays the last line: a reader need not read the rest to know of it.
    if (head.ended_at === null) return;
    const status = head.status === 'interrupted' ? { status: head.status } : {};
    this.#append(head, { type: 'ended', ended_at: head.ended_at, ...status }, 0);
  }

  /** Keeps that it is over. */
  keepEnd(head: MeetingHead): void {
    if (head.ended_at !== null) return;
    head.ended_at = Date.now();
    head.status = 'ended';
    this.#append(head, { type: 'ended', ended_at: head.ended_at }, 0);
  }

  /** Adds a line, unless the record has been deleted. */
  #append(head: MeetingHead, line: MeetingLine, bytes: number): void {
    if (this.#heads.get(head.id) !== head) return;
    this.#readings.outdate(head.id);
    try {
      this.#store.append(head.id, line);
    } catch (err) {
      this.#failures += 1;
      this.#log.error({ err, meeting: head.id, line: line.type }, 'a line of a meeting is not kept');
      return;
    }
    head.bytes += bytes;
    this.#bytes += bytes;
  }

  /**
   * What a record says until now. What is being read is not deleted meanwhile. Of a meeting that runs, and whose record is
   * gone or broken, it is what its stream has heard.
   */
  read(id: string): Promise<MeetingText> {
    const live = this.#live.get(id);
    const { stream } = live ?? {};
    if (!live || !stream) return this.#readings.read(id);
    return this.#readings.read(id).catch((err: unknown) => {
      if (!live.isUnreadable) this.#log.error({ err, meeting: id }, 'a meeting could not be read; memory has its text');
      live.isUnreadable = true;
      return heardText(stream.transcript);
    });
  }

  /** Whether somebody waits for what is kept of it. */
  isRead(id: string): boolean {
    return this.#readings.has(id);
  }

  /** All that is kept of it, as it is. Rejects with whatever the store does. */
  lines(id: string): Promise<MeetingLine[]> {
    return this.#store.read(id);
  }

  /** Begins the record of a meeting that runs at another broker: nobody is shown it here. A throw is the store's. */
  keepTheirs(head: MeetingHead): void {
    this.#store.create(head);
  }

  addTheirs(id: string, line: MeetingLine): void {
    this.#store.append(id, line);
  }

  dropTheirs(id: string): void {
    this.#store.remove(id);
  }

  /** A meeting of another broker's is over: from now on it is one of this one's. */
  adopt(head: MeetingHead): void {
    this.#heads.set(head.id, head);
    this.#byName.set(nameKey(ownerOf(head), nameOf(head)), head);
    this.#bytes += head.bytes;
    this.#readings.outdate(head.id);
    this.#makeRoom();
  }

  /** It runs no more; what was said stays. */
  end(meeting: Meeting): void {
    if (this.#live.get(meeting.id) === meeting) this.#live.delete(meeting.id);
    this.#makeRoom();
  }

  /** Forgets all of it. */
  remove(head: MeetingHead): void {
    if (this.#heads.get(head.id) !== head) return;
    this.#heads.delete(head.id);
    const name = nameKey(ownerOf(head), nameOf(head));
    if (this.#byName.get(name) === head) this.#byName.delete(name);
    this.#bytes -= head.bytes;
    this.#readings.outdate(head.id);
    try {
      this.#store.remove(head.id);
    } catch (err) {
      this.#failures += 1;
      this.#log.error({ err, meeting: head.id }, 'a meeting could not be deleted');
    }
  }

  #makeRoom(): void {
    const { keptMeetings, keptMeetingBytes } = this.#limits;
    const excess = { meetings: this.#heads.size - keptMeetings, bytes: this.#bytes - keptMeetingBytes };
    if (excess.meetings <= 0 && excess.bytes <= 0) return;
    const kept = [...this.#heads.values()].map((head) => ({
      head,
      clientId: this.#clientIds.get(head) ?? '',
      isFree: !this.#live.has(head.id),
    }));
    for (const head of chooseVictims(kept, excess)) {
      // Its turn comes when it was read: nobody else's goes in its place, and a stop that ended it is answered.
      if (this.#readings.has(head.id)) continue;
      this.#log.info({ meeting: head.id }, 'a meeting makes room for others');
      this.remove(head);
    }
  }
}

/** No principal has a line's end in it. */
export const nameKey = (owner: Principal, name: string): string => `${principalKey(owner)}\n${name}`;
