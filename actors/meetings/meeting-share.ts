import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { Principal } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { askAll, type Neighbour, type NeighbourTalk } from '../kernel/neighbours.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import type { MeetingHead, MeetingLine } from './meeting-store.ts';
import { nameOf, ownerOf } from './meeting-store.ts';
import { type Meetings, nameKey } from './meetings.ts';

/** Meetings among brokers. */
export const MEETING_SHARE = key<MeetingShare>('meetings of other brokers');

const KEEP = 'meeting.keep';
const NAMED = 'meeting.named';
/** What is kept at home goes there in parts of so many bytes. */
const PART_BYTES = 256 * 1024;
/** Who has a meeting of that name is to say so within so long: a broker that is stopped keeps nobody from theirs. Milliseconds. */
const NAMED_MS = 1_000;

/** A part of a record, on its way to the home broker. */
interface Part {
  readonly head: MeetingHead;
  /** How many lines have gone before. */
  readonly at: number;
  readonly lines: readonly MeetingLine[];
  /** It is over, and this is all. */
  readonly isWhole: boolean;
}

/** `again`: the home broker has not what has gone before. `taken`: it keeps the meeting from now on. `refused`: it cannot. */
type Kept = { readonly is: 'more' | 'again' | 'taken' | 'refused' };

/** What another broker knows of a meeting by its name. */
export type NamedThere = 'free' | 'live' | 'kept';

/**
 * Meetings of several brokers: each runs where its client is, and is kept by the home broker. What is said goes there while it
 * runs; where its broker is gone, the home broker has what there was until then. Once it is over it is the home broker's alone.
 */
export class MeetingShare implements NeighbourTalk {
  readonly #kernel: Kernel;
  readonly #book: Meetings;
  /** Here: how many lines of a record have gone home, and that no more will. */
  #sent = new WeakMap<MeetingHead, number>();
  readonly #refused = new WeakSet<MeetingHead>();
  #giving: Promise<void> | undefined;
  /** At home: records of meetings that run elsewhere. */
  readonly #theirs = new Map<string, { from: Neighbour; head: MeetingHead; count: number }>();
  /** Names that are being asked about. */
  readonly #starting = new Set<string>();

  constructor(kernel: Kernel, book: Meetings) {
    this.#kernel = kernel;
    this.#book = book;
  }

  /** What has been said since the last time, and what is over, goes home. Never rejects. */
  give(): Promise<void> {
    this.#giving ??= this.#giveAll()
      .catch((err: unknown) => this.#kernel.sparseLog.warn({ err }, 'meetings could not be given to the home broker'))
      .finally(() => {
        this.#giving = undefined;
      });
    return this.#giving;
  }

  /** Whether another broker has, or had, a meeting of this name of somebody's; meanwhile no other may start. */
  async named(owner: Principal, name: string): Promise<NamedThere> {
    const id = nameKey(owner, name);
    if (this.#starting.has(id)) return 'live';
    this.#starting.add(id);
    try {
      const said = await askAll(this.#kernel, NAMED, writeJson({ owner, name }), NAMED_MS);
      const all = said.map((text) => (parseJson(text) as { is: NamedThere }).is);
      return all.find((is) => is === 'live') ?? all.find((is) => is === 'kept') ?? 'free';
    } finally {
      this.#starting.delete(id);
    }
  }

  asked(from: Neighbour, method: string, body: string): Promise<string> | undefined {
    if (method === KEEP) return Promise.resolve(writeJson(this.#keep(from, parseJson(body) as Part)));
    if (method !== NAMED) return undefined;
    const { owner, name } = parseJson(body) as { owner: Principal; name: string };
    const head = this.#book.named(owner, name);
    const isLive = head ? this.#book.find(head.id) !== undefined : this.#starting.has(nameKey(owner, name));
    return Promise.resolve(writeJson({ is: isLive ? 'live' : head ? 'kept' : 'free' }));
  }

  lost(from: Neighbour): void {
    // What it knows of us may be gone with its life.
    if (from.name === this.#kernel.keptBy) this.#sent = new WeakMap();
    for (const [id, record] of this.#theirs) {
      if (record.from !== from) continue;
      this.#theirs.delete(id);
      const ended_at = Date.now();
      this.#book.addTheirs(id, { type: 'ended', ended_at, status: 'interrupted' });
      this.#book.adopt({ ...record.head, ended_at, status: 'interrupted' });
    }
  }

  async #giveAll(): Promise<void> {
    const { keptBy, neighbours } = this.#kernel;
    const home = keptBy === undefined ? undefined : neighbours.named(keptBy);
    if (!home) return;
    for (const head of [...this.#book.heads]) {
      const isLive = this.#book.find(head.id) !== undefined;
      if (this.#refused.has(head) || (!isLive && (head.ended_at === null || this.#book.isRead(head.id)))) continue;
      await this.#give(home, head, isLive);
    }
  }

  async #give(home: Neighbour, head: MeetingHead, isLive: boolean): Promise<void> {
    const lines = await this.#book.lines(head.id);
    let at = this.#sent.get(head) ?? 0;
    // A record that another has begun to read meanwhile is not taken from under it.
    const isWhole = () => !isLive && at + part.length === lines.length;
    let part: MeetingLine[];
    do {
      part = partOf(lines, at);
      if (isLive && part.length === 0 && at > 0) return;
      const body: Part = { head, at, lines: part, isWhole: isWhole() };
      const { is } = parseJson(await home.ask(KEEP, writeJson(body))) as Kept;
      if (is === 'refused') this.#refused.add(head);
      else if (is === 'again') this.#sent.delete(head);
      else if (is === 'taken') {
        this.#sent.delete(head);
        this.#book.remove(head);
      } else {
        at += part.length;
        this.#sent.set(head, at);
        continue;
      }
      return;
    } while (at < lines.length);
  }

  #keep(from: Neighbour, { head, at, lines, isWhole }: Part): Kept {
    const { id } = head;
    let record = this.#theirs.get(id);
    if (at === 0) {
      if (!this.#begin(head)) return { is: 'refused' };
      record = { from, head: { ...head, bytes: 0 }, count: 0 };
      this.#theirs.set(id, record);
    }
    if (record?.count !== at) return { is: 'again' };
    for (const line of lines) {
      this.#book.addTheirs(id, line);
      record.head.bytes += bytesOf(line);
    }
    record.count += lines.length;
    if (!isWhole) return { is: 'more' };
    this.#theirs.delete(id);
    this.#book.adopt({ ...head, bytes: record.head.bytes });
    return { is: 'taken' };
  }

  /** What was kept of it before, by a link that was lost, is written anew. */
  #begin(head: MeetingHead): boolean {
    const known = this.#book.head(head.id);
    const isSame = known && nameOf(known) === nameOf(head) && known.started_at === head.started_at;
    if (known && !isSame) return false;
    if (known) this.#book.remove(known);
    else if (this.#theirs.has(head.id)) this.#book.dropTheirs(head.id);
    try {
      this.#book.keepTheirs(head);
      return true;
    } catch (err) {
      this.#kernel.log.error({ err, meeting: head.id, tenant: ownerOf(head).tenant }, 'a meeting cannot be kept');
      return false;
    }
  }
}

function partOf(lines: readonly MeetingLine[], at: number): MeetingLine[] {
  const part: MeetingLine[] = [];
  for (let bytes = 0; at + part.length < lines.length && bytes < PART_BYTES; ) {
    const line = lines[at + part.length] as MeetingLine;
    bytes += jsonBytes(line);
    part.push(line);
  }
  return part;
}

/** What a line counts in its record: see `MeetingHead.bytes`. */
function bytesOf(line: MeetingLine): number {
  if (line.type === 'summary') return jsonBytes(line.text);
  if (line.type !== 'final' || !isObject(line)) return 0;
  const { type: _type, ...segment } = line;
  return jsonBytes(segment);
}
