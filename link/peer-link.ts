import { randomInt } from 'node:crypto';
import { type ActorRefFrom, createActor, type StateValue } from 'xstate';
import { withEffects } from '../machines/effects.ts';
import { type LinkLoss, peerLinkMachine } from '../machines/peer-link.machine.ts';
import type { Carrier } from './carrier.ts';
import type { LinkClock } from './clock.ts';
import type { Entry, EntryHandlers, Manner, StreamToken } from './entries.ts';
import { Flow, type Halves, type LinkCounts } from './flow.ts';
import { type FrameHead, FrameKind, headBytes, textFrame, writeHead } from './frame.ts';

/** Where there is no link yet, hello is said so often. Milliseconds. */
export const HELLO_MS = 500;
/** So often it is said on a link that this end has opened and the peer perhaps not; then that is lost. */
const MAX_HELLOS = 20;
/** So many ends of the peer's are answered at a time; all but one are frames of before. */
const MAX_MET = 8;
/** A broker's epoch, as `hello` says it. */
const EPOCH = /^[\x21-\x7e]{1,128}$/;

/** What a {@link PeerLink} is made of. */
export interface PeerLinkOptions {
  /** This broker: its name, and the id of its life. */
  readonly self: { readonly id: string; readonly epoch: string };
  /** The name of the other. */
  readonly peer: string;
  readonly carrier: Pick<Carrier, 'send' | 'reaches'>;
  readonly clock: LinkClock;
  /** On the whole one batch is sent in so long; what is said meanwhile is gathered. Milliseconds. */
  readonly flushMs: number;
  /** The most bytes of one entry that the peer may send. */
  readonly maxEntryBytes: number;
  /** Hears what a listener has thrown. It costs that entry, and nothing else. Never throws. */
  readonly failed: (error: unknown) => void;
}

/** Who listens to a {@link PeerLink}. Never called from inside a call that writes to it. */
export interface PeerLinkHandlers extends EntryHandlers {
  /** There is a link with that life of the peer. Streams are counted from 1 again, and nothing of before arrives any more. */
  opened(peerEpoch: string): void;
  /** What is written waits, for now. */
  stalled(): void;
  flowing(): void;
  /** Some of what was written has arrived, so that less waits. */
  acknowledged?(): void;
  /**
   * The link is gone. What was written and not answered may have arrived or not; no stream of it is heard of again. Another
   * one is opened as soon as there can be.
   */
  lost(why: LinkLoss): void;
}

/**
 * This broker's end of the link with one other. What is written to it arrives there once and in order, or the link is lost
 * and both ends are told. Each link between the two has an epoch of its own, of two halves: an end that starts anew says
 * hello with another half, and what still arrives of the old one is dropped.
 *
 * A hello alone ends no link: it may be an old one that comes late. It is answered with a new half of this end, and only who
 * knows that has been there since.
 */
export class PeerLink {
  readonly peer: string;
  /** What was sent by all links with this peer so far. */
  readonly counts: Readonly<LinkCounts>;
  readonly #options: PeerLinkOptions;
  readonly #handlers: PeerLinkHandlers;
  readonly #machine: typeof peerLinkMachine;
  #actor: ActorRefFrom<typeof peerLinkMachine>;
  #flow: Flow | undefined;
  /** This end's half, of the link that is or is to be. */
  #ours = newHalf();
  /** Ends of the peer's that have said hello, by their half: what this end has answered. */
  readonly #met = new Map<number, { ours: number; epoch: string }>();
  #peerEpoch = '';
  /** The peer is known to have opened the link as well. */
  #isSettled = false;
  /** How often it was told so. */
  #hellos = 0;
  #isClosed = false;
  #helloTimer: unknown;

  /** @param listen - who hears of it. Never throws */
  constructor(options: PeerLinkOptions, listen: (link: PeerLink) => PeerLinkHandlers) {
    this.peer = options.peer;
    this.counts = { batches: 0, tokens: 0 };
    this.#options = options;
    const handlers = listen(this);
    this.#handlers = handlers;
    this.#machine = withEffects(peerLinkMachine, {
      sayHello: () => this.#sayHello(),
      tellOpened: () => this.#attempt(() => handlers.opened(this.#peerEpoch)),
      tellStalled: () => this.#attempt(() => handlers.stalled()),
      tellFlowing: () => this.#attempt(() => handlers.flowing()),
      tellLost: ({ event }) => {
        if (event.type === 'link.lost') this.#attempt(() => handlers.lost(event.why));
      },
      sayBye: () => this.#sayBye(),
    });
    this.#actor = this.#start();
  }

  /** Where its chart stands. */
  get state(): StateValue {
    return this.#actor.getSnapshot().value;
  }

  /** Whether what is written now is kept until it arrives. */
  get isOpen(): boolean {
    return this.#flow !== undefined;
  }

  /** Bytes that were sent and not acknowledged, besides {@link boundedBytes}; beyond 8 MiB the link is lost. */
  get waitingBytes(): number {
    return this.#flow?.waitingBytes ?? 0;
  }

  /** Of what was written as bounded: bytes that were sent and not acknowledged. */
  get boundedBytes(): number {
    return this.#flow?.boundedBytes ?? 0;
  }

  /**
   * @param isBounded - whoever writes it sees to it that little waits: it costs nobody the link
   * @returns false where there is no link: it was not written
   */
  sendToken(token: StreamToken, isBounded = false): boolean {
    this.#flow?.token(token, isBounded);
    return this.isOpen;
  }

  /**
   * @returns false where there is no link: it was not written
   * @throws {RangeError} where a request's method has more than 255 bytes
   */
  send(entry: Entry, manner?: Manner): boolean {
    this.#flow?.entry(entry, manner);
    return this.isOpen;
  }

  /** The carrier has a frame of the peer's, of any kind but a heartbeat. */
  take(head: FrameHead, frame: Buffer): void {
    if (this.#isClosed) return;
    if (head.kind === FrameKind.hello) {
      this.#takeHello(head, frame.toString('utf8', head.bodyAt));
      return;
    }
    if (!this.#isOfLink(head)) {
      // Whoever knows the half that was made for it is there now; everything else is of a link of before.
      const met = this.#met.get(head.ours);
      if (met?.ours !== head.theirs) return;
      this.#open(head.ours, met);
    }
    this.#isSettled = true;
    if (head.kind === FrameKind.bye) this.lose('left');
    else this.#flow?.take(head, frame);
  }

  reachable(): void {
    this.#flow?.reachable();
    this.#sayHello();
  }

  unreachable(): void {
    this.#flow?.unreachable();
  }

  writable(): void {
    this.#flow?.writable();
  }

  /** Gives up the link that there is, if any, and begins anew. */
  lose(why: LinkLoss): void {
    if (!this.#flow) return;
    this.#drop(why);
    if (!this.#isClosed) this.#actor = this.#start();
  }

  /** Sends what was written, as far as it can be sent at once, and says goodbye. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#actor.send({ type: 'link.close' });
    this.#flow?.end();
    this.#flow = undefined;
    this.#options.clock.clearTimeout(this.#helloTimer);
  }

  #start(): ActorRefFrom<typeof peerLinkMachine> {
    const actor = createActor(this.#machine, { input: { peer: this.peer } });
    actor.start();
    return actor;
  }

  #drop(why: LinkLoss): void {
    this.#flow?.end();
    this.#flow = undefined;
    this.#ours = newHalf();
    this.#met.clear();
    this.#actor.send({ type: 'link.lost', why });
  }

  #isOfLink({ ours, theirs }: FrameHead): boolean {
    const halves = this.#flow?.halves;
    return halves !== undefined && halves.theirs === ours && halves.ours === theirs;
  }

  #takeHello({ ours: half, theirs: known }: FrameHead, epoch: string): void {
    if (half === 0 || !EPOCH.test(epoch)) return;
    const halves = this.#flow?.halves;
    if (halves?.theirs === half) {
      // It has not heard yet that the link is open.
      if (known === halves.ours || known === 0) this.#flow?.acknowledge();
      return;
    }
    const met = this.#meet(half, epoch);
    if (known === met.ours) {
      this.#open(half, met);
      this.#flow?.acknowledge();
      // Perhaps it has not opened it, if it had another one: that is heard when it has.
      this.#sayHello();
    } else if (known === 0) this.#hello(met.ours, half);
  }

  #meet(half: number, epoch: string): { ours: number; epoch: string } {
    const known = this.#met.get(half);
    if (known) return known;
    const [oldest] = this.#met.keys();
    if (this.#met.size >= MAX_MET && oldest !== undefined) this.#met.delete(oldest);
    const met = { ours: this.#flow ? newHalf() : this.#ours, epoch };
    this.#met.set(half, met);
    return met;
  }

  #open(theirs: number, { ours, epoch }: { ours: number; epoch: string }): void {
    if (this.#flow) {
      this.#drop('restarted');
      this.#ours = ours;
      this.#actor = this.#start();
      // Whoever was told may have closed it.
      if (this.#isClosed) return;
    }
    this.#met.clear();
    this.#isSettled = false;
    this.#hellos = 0;
    this.#peerEpoch = epoch;
    this.#flow = this.#flowOf({ ours, theirs });
    this.#actor.send({ type: 'link.confirmed' });
  }

  #flowOf(halves: Halves): Flow {
    const { self, clock, flushMs, maxEntryBytes } = this.#options;
    const { counts } = this;
    const flow: Flow = new Flow(
      { ...halves, from: self.id, clock, flushMs, maxEntryBytes, counts, transmit: (frame) => this.#transmit(frame) },
      {
        entry: (entry) => this.#attempt(() => this.#handlers.entry(entry)),
        token: (token) => this.#attempt(() => this.#handlers.token(token)),
        failed: (why) => {
          // It may have been followed by another one.
          if (this.#flow === flow) this.lose(why);
        },
        stalled: () => this.#actor.send({ type: 'link.stalled' }),
        flowing: () => this.#actor.send({ type: 'link.flowing' }),
        acknowledged: () => this.#attempt(() => this.#handlers.acknowledged?.()),
      },
    );
    return flow;
  }

  /** Says hello now, and again until the peer has opened the link too. */
  #sayHello(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#helloTimer);
    if (this.#isClosed || (this.#flow && this.#isSettled)) return;
    // Each end may have opened a link that the other has not; whoever begins anew is heard.
    if (this.#flow && this.#hellos >= MAX_HELLOS) {
      this.lose('silent');
      return;
    }
    if (this.#hello(this.#ours, this.#flow?.halves.theirs ?? 0)) this.#hellos += 1;
    this.#helloTimer = clock.setTimeout(() => this.#sayHello(), HELLO_MS);
  }

  #hello(ours: number, theirs: number): boolean {
    const { id, epoch } = this.#options.self;
    return this.#transmit(
      textFrame({ kind: FrameKind.hello, flags: 0, ours, theirs, lseq: 0, ack: 0, from: id }, epoch),
    );
  }

  #sayBye(): void {
    const flow = this.#flow;
    if (!flow) return;
    flow.flush();
    const from = this.#options.self.id;
    const frame = Buffer.allocUnsafe(headBytes(from));
    writeHead(frame, { kind: FrameKind.bye, flags: 0, ...flow.halves, lseq: 0, ack: 0, from });
    this.#transmit(frame);
  }

  #transmit(frame: Buffer): boolean {
    const { carrier } = this.#options;
    return carrier.reaches(this.peer) && carrier.send(this.peer, frame);
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#options.failed(error);
    }
  }
}

/** A half of an epoch that no other has: never 0. */
const newHalf = (): number => randomInt(1, 2 ** 48 - 1);
