import type { Limits } from '../../protocol/limits.ts';
import type { MeetingStatus } from '../../protocol/meetings.ts';
import type { Meeting } from './meeting-record.ts';
import { type MeetingHead, type MeetingLine, type MeetingStore, volatileMeetingStore } from './meeting-store.ts';

/** Every meeting of a broker: those that run, and what is kept of the others. Our own Maps: law 3. */
export class Meetings {
  readonly #limits: Limits;
  readonly #store: MeetingStore;
  /** The oldest first. */
  readonly #heads = new Map<string, MeetingHead>();
  readonly #live = new Map<string, Meeting>();
  readonly #byActor = new Map<string, Meeting>();
  #bytes = 0;

  constructor(limits: Limits, store: MeetingStore = volatileMeetingStore()) {
    this.#limits = limits;
    this.#store = store;
    for (const head of store.load().sort((a, b) => a.started_at - b.started_at)) {
      this.#heads.set(head.id, head);
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

  head(id: string): MeetingHead | undefined {
    return this.#heads.get(id);
  }
  find(id: string): Meeting | undefined {
    return this.#live.get(id);
  }
  ofActor(id: string): Meeting | undefined {
    return this.#byActor.get(id);
  }
  *ofClient(client: unknown): Iterable<Meeting> {
    for (const meeting of this.#live.values()) if (meeting.client === client) yield meeting;
  }

  statusOf(head: MeetingHead): MeetingStatus {
    const state = this.#live.get(head.id)?.ref?.getSnapshot().value;
    return state === 'finishing' || state === 'summarizing' ? state : head.status;
  }

  /** Begins a record. A throw is the store's. */
  add(meeting: Meeting): void {
    this.#store.create(meeting.head);
    this.#heads.set(meeting.id, meeting.head);
    this.#live.set(meeting.id, meeting);
    this.#byActor.set(meeting.actorId, meeting);
  }

  append(head: MeetingHead, line: MeetingLine, bytes: number): void {
    head.bytes += bytes;
    this.#bytes += bytes;
    this.#store.append(head.id, line);
  }

  read(id: string): Promise<MeetingLine[]> {
    return this.#store.read(id);
  }

  /** It runs no more; what was said stays. */
  end(meeting: Meeting): void {
    this.#live.delete(meeting.id);
    this.#byActor.delete(meeting.actorId);
    this.#makeRoom();
  }

  /** Forgets all of it. */
  remove({ id, bytes }: MeetingHead): void {
    this.#heads.delete(id);
    this.#bytes -= bytes;
    this.#store.remove(id);
  }

  #makeRoom(): void {
    const { keptMeetings, keptMeetingBytes } = this.#limits;
    for (const head of [...this.#heads.values()]) {
      if (this.#heads.size <= keptMeetings && this.#bytes <= keptMeetingBytes) return;
      if (!this.#live.has(head.id)) this.remove(head);
    }
  }
}
