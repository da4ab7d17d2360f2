import type { AnyActorRef } from 'xstate';
import type { Identity } from '../../machines/connection.machine.ts';
import type { MeetingEvent, MeetingFacts } from '../../machines/meeting.machine.ts';
import type { VoiceAsker } from '../../machines/voice-stream.machine.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { VoiceStream } from '../voice/stream-record.ts';
import { IngestQueue } from './ingest-queue.ts';
import type { MeetingHead } from './meeting-store.ts';

/** Who asked to stop, and of whom a summary is wanted, if of anybody. */
export interface Stopper extends VoiceAsker<Client> {
  summarizer: string | undefined;
}

/** The records that a meeting's chart holds and is told of. */
export interface MeetingHolds {
  meeting: Meeting;
  client: Client;
}

/** Everything that a meeting hears. */
export type MeetingHears = MeetingEvent<MeetingHolds>;

/** One running meeting's record: what its actor, its stream and its client share. Plain and mutable, never copied. */
export class Meeting implements MeetingFacts {
  readonly head: MeetingHead;
  readonly client: Client;
  /** The actor's id. */
  readonly actorId: string;
  /** What it listens to; unset until it was opened. */
  stream: VoiceStream | undefined;
  /** Its provider has accepted. */
  hasBegun = false;
  /** Who waits for its end. */
  stoppers: Stopper[] = [];
  /** Who is asked for a summary. */
  summarizer: string | undefined;
  /** Which agents exist for whoever wanted that; undefined: all. */
  mayUse: Identity['mayUse'];
  /** Gives the summary up. */
  dropSummary: () => void = () => {};
  deadline: Deadline | undefined;
  /** Bytes of JSON that were kept. */
  bytes = 0;
  isTruncated = false;
  /** What is on its way to the memory. */
  readonly ingest = new IngestQueue();
  /** Not all of it was remembered, or could be read; each was said once. */
  isForgotten = false;
  isUnreadable = false;
  ref: (AnyActorRef & ActorOf<MeetingHears>) | undefined;

  constructor(head: MeetingHead, client: Client, actorId: string) {
    this.head = head;
    this.client = client;
    this.actorId = actorId;
  }

  get id(): string {
    return this.head.id;
  }
  /** Texts that are on their way to the memory. */
  get ingesting(): number {
    return this.ingest.size;
  }
  get wantsSummary(): boolean {
    return this.summarizer !== undefined;
  }
}
