import { readHead } from '../../../link/frame.ts';
import { PeerLink, type PeerLinkHandlers } from '../../../link/peer-link.ts';
import { StillClock } from './still-clock.ts';

/** So long what is said is gathered. Milliseconds. */
export const FLUSH_MS = 2;

export type Side = 'a' | 'b';
export const other = (side: Side): Side => (side === 'a' ? 'b' : 'a');

/** One broker's end, as its user sees it. */
export interface End {
  readonly clock: StillClock;
  link: PeerLink;
  /** Everything that it was told, in order. */
  heard: string[];
  /** Lives of this broker so far. */
  life: number;
  isStopped: boolean;
}

/** Two brokers with a link, and a network between them that does to frames whatever the test wants. */
export class LossyNet {
  readonly ends: Record<Side, End>;
  /** Frames on their way to that side. */
  readonly onTheWay: Record<Side, Buffer[]> = { a: [], b: [] };
  /** Every frame that was ever sent to that side. */
  readonly sent: Record<Side, Buffer[]> = { a: [], b: [] };
  /** What a listener has thrown, and what the link itself has. */
  readonly faults: unknown[] = [];
  /** The carrier of that side takes no more. */
  readonly isFull: Record<Side, boolean> = { a: false, b: false };
  isCut = false;
  readonly #handlers: (side: Side, life: number) => Partial<PeerLinkHandlers>;

  /** @param handlers - what the user of an end does besides noting what it hears */
  constructor(handlers: (side: Side, life: number) => Partial<PeerLinkHandlers> = () => ({})) {
    this.#handlers = handlers;
    this.ends = { a: this.#begin('a', 1), b: this.#begin('b', 1) };
  }

  #begin(side: Side, life: number, clock = new StillClock()): End {
    const heard: string[] = [];
    const also = this.#handlers(side, life);
    const link = new PeerLink(
      {
        self: { id: side, epoch: `${side}-${life}` },
        peer: other(side),
        clock,
        flushMs: FLUSH_MS,
        maxEntryBytes: 16 * 1024 * 1024,
        failed: (error) => this.faults.push(error),
        carrier: {
          reaches: () => !this.isCut,
          send: (_peer, frame) => {
            if (this.isCut || this.isFull[side]) return false;
            // What a socket does later, the kernel's copy does here.
            const copy = Buffer.from(frame);
            this.onTheWay[other(side)].push(copy);
            this.sent[other(side)].push(copy);
            return true;
          },
        },
      },
      () => ({
        opened: (epoch) => {
          heard.push(`opened ${epoch}`);
          also.opened?.(epoch);
        },
        stalled: () => void heard.push('stalled'),
        flowing: () => void heard.push('flowing'),
        lost: (why) => {
          heard.push(`lost ${why}`);
          also.lost?.(why);
        },
        entry: (entry) => {
          heard.push(`${entry.kind} ${entry.stream} ${entry.body}`);
          also.entry?.(entry);
        },
        token: (token) => {
          heard.push(`token ${token.stream} ${token.seqFrom}-${token.seq} ${token.delta}`);
          also.token?.(token);
        },
      }),
    );
    return { clock, link, heard, life, isStopped: false };
  }

  /** Hands over one frame that is on its way, if that end runs. */
  deliver(to: Side, index = 0, isKept = false): void {
    const frames = this.onTheWay[to];
    const end = this.ends[to];
    if (frames.length === 0 || end.isStopped) return;
    const at = index % frames.length;
    const frame = frames[at] as Buffer;
    if (!isKept) frames.splice(at, 1);
    this.give(to, frame);
  }

  /** A frame arrives that may be anybody's work. */
  give(to: Side, frame: Buffer): void {
    const head = readHead(frame);
    if (head) this.ends[to].link.take(head, frame);
    this.ends[to].clock.settle();
  }

  /** A frame arrives again that was sent long ago; of those that say hello only, or of all. */
  replay(to: Side, index: number, kind?: number): void {
    if (this.ends[to].isStopped) return;
    const frames = this.sent[to].filter((frame) => kind === undefined || frame[4] === kind);
    const frame = frames[index % frames.length];
    if (frame) this.give(to, frame);
  }

  lose(to: Side, index: number): void {
    const frames = this.onTheWay[to];
    if (frames.length > 0) frames.splice(index % frames.length, 1);
  }

  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    for (const { link } of Object.values(this.ends)) link.unreachable();
  }

  mend(): void {
    if (!this.isCut) return;
    this.isCut = false;
    this.#tellReachable();
  }

  room(side: Side): void {
    this.isFull[side] = false;
    this.ends[side].link.writable();
    this.ends[side].clock.settle();
  }

  /** Another life of that broker; the one before says nothing more. */
  restart(side: Side): void {
    const before = this.ends[side];
    this.ends[side] = this.#begin(side, before.life + 1);
    this.isFull[side] = false;
    if (!this.isCut) this.ends[side].link.reachable();
  }

  stop(side: Side): void {
    this.ends[side].isStopped = true;
  }

  go(side: Side): void {
    const end = this.ends[side];
    if (!end.isStopped) return;
    end.isStopped = false;
    end.clock.advance(0);
  }

  advance(ms: number): void {
    for (const { clock, isStopped } of Object.values(this.ends)) {
      if (isStopped) clock.sleep(ms);
      else clock.advance(ms);
    }
  }

  /** From now on nothing goes wrong, for so long. */
  calm(ms: number, step = 10): void {
    for (const side of ['a', 'b'] as const) {
      this.go(side);
      this.room(side);
    }
    this.mend();
    for (let passed = 0; passed < ms; passed += step) {
      this.deliverAll();
      this.advance(step);
    }
    this.deliverAll();
  }

  /** Until nothing is on its way, nor gathered. */
  deliverAll(): void {
    for (const { clock, isStopped } of Object.values(this.ends)) if (!isStopped) clock.advance(FLUSH_MS);
    while (['a', 'b'].some((side) => this.#mayDeliver(side as Side))) {
      this.deliver('a');
      this.deliver('b');
    }
  }

  #mayDeliver(side: Side): boolean {
    return this.onTheWay[side].length > 0 && !this.ends[side].isStopped;
  }

  #tellReachable(): void {
    for (const { link, clock, isStopped } of Object.values(this.ends)) {
      link.reachable();
      if (!isStopped) clock.settle();
    }
  }
}
