import { createHash } from 'node:crypto';
import { type Entry, OWN, type StreamToken } from '../../link/entries.ts';
import { MAX_HELD_BYTES } from '../../link/flow.ts';
import type { PeerLink, PeerLinkHandlers } from '../../link/peer-link.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { decodeFrame } from '../../protocol/frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Neighbour } from '../kernel/neighbours.ts';
import { tell } from '../kernel/tell.ts';
import { tooMuchError } from './cluster-errors.ts';
import type { Extension, GuestFrame } from './extension-record.ts';
import { type GuestOpening, guestOpening, readIdentity } from './guest-identity.ts';
import { type GuestClose, GuestLink, type TokensOf } from './guest-link.ts';
import { Lanes } from './lanes.ts';

/** Who hears of a peer. */
export interface PeerListener {
  /** There is a link with that life of it. */
  opened(peer: PeerStreams, epoch: string): void;
  lost(peer: PeerStreams): void;
  /** It tells all brokers something. */
  told(peer: PeerStreams, body: string): void;
  /** It asks this broker itself; the answer is JSON. */
  asked(peer: PeerStreams, method: string, body: string): Promise<string>;
  /** What becomes of a guest that has changed what it may see. */
  seesAnew(link: GuestLink, opening: GuestOpening): void;
}

/**
 * So much may wait in a link when it is written to for a client without a lane: what is beyond that is for what brokers say themselves,
 * which is little. Bytes.
 */
const MAX_WAITING_BYTES = (MAX_HELD_BYTES / 4) * 3;

interface Waiting {
  resolve(body: string): void;
  reject(error: Error): void;
}

/** What goes over the link with one other broker, and whose each stream is. A link that is lost takes all of them with it. */
export class PeerStreams implements PeerLinkHandlers, Neighbour {
  readonly link: PeerLink;
  /** What connections are sent by it. */
  readonly lanes: Lanes;
  readonly #kernel: Kernel;
  readonly #listener: PeerListener;
  /** Connections of this broker's with a guest there, by the stream that they opened. */
  readonly #extensions = new Map<number, Extension>();
  /** Guests of the peer's here, by its stream. */
  readonly #guests = new Map<number, GuestLink>();
  /** Streams of the peer's that carry tokens, and to whom. */
  readonly #tokens = new Map<number, Extension>();
  /** What the peer itself was asked. */
  readonly #asked = new Map<number, Waiting>();
  #streams = 0;
  #asks = 0;
  #isOpen = false;

  constructor(kernel: Kernel, link: PeerLink, listener: PeerListener) {
    this.#kernel = kernel;
    this.link = link;
    this.lanes = new Lanes(link);
    this.#listener = listener;
  }

  get name(): string {
    return this.link.peer;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get roomBytes(): number {
    return MAX_WAITING_BYTES - this.link.waitingBytes;
  }

  /** Whether a text may be told, or answered, so that it costs nobody the link. */
  hasRoomFor(text: string): boolean {
    const room = this.roomBytes;
    // Where it is near the limit it is counted as it is written.
    return text.length <= room && (text.length * 3 <= room || Buffer.byteLength(text) <= room);
  }

  /** How many connections of other brokers' are guests here by this link. */
  get guests(): number {
    return this.#guests.size;
  }

  get extensions(): number {
    return this.#extensions.size;
  }

  newStream(): number {
    this.#streams += 1;
    return this.#streams;
  }

  /** From now on what comes by its stream is this extension's. */
  enter(extension: Extension, opening: GuestOpening): void {
    const body = writeJson(opening);
    extension.told = hashOf(body);
    this.#extensions.set(extension.stream, extension);
    extension.way.send({ kind: 'open', stream: extension.stream, body });
  }

  leave(extension: Extension): void {
    this.#extensions.delete(extension.stream);
    for (const stream of extension.tokens.keys()) this.#tokens.delete(stream);
    extension.tokens.clear();
  }

  /**
   * A guest may use other agents than before, or has another name: that is told where it is news.
   * @throws {WireError} `-32020` where the link has no room for it: nothing may be asked before it is known
   */
  tellIdentity(extension: Extension, opening: GuestOpening): void {
    const body = writeJson(opening);
    const hash = hashOf(body);
    if (hash === extension.told) return;
    if (!extension.way.hasRoomFor(body)) throw tooMuchError(this.#kernel.limits);
    extension.told = hash;
    extension.way.send({ kind: 'request', stream: extension.stream, id: 0, method: 'identity', body });
  }

  /** Tells the peer itself something. @param isNews - nobody waits for it @returns false where there is no link */
  tell(body: string, isNews = false): boolean {
    return this.#isOpen && this.link.send({ kind: 'text', stream: OWN, body }, isNews ? 'news' : undefined);
  }

  /** Asks the peer itself. Rejects where the link is lost, and where the peer cannot answer. */
  ask(method: string, body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#asks = (this.#asks + 1) >>> 0;
      const id = this.#asks;
      this.#asked.set(id, { resolve, reject });
      if (this.#isOpen && this.link.send({ kind: 'request', stream: OWN, id, method, body })) return;
      this.#asked.delete(id);
      reject(new Error(`there is no link with broker ${this.name}`));
    });
  }

  opened(epoch: string): void {
    this.#isOpen = true;
    this.#streams = 0;
    this.#listener.opened(this, epoch);
  }

  stalled(): void {
    this.#kernel.log.warn({ broker: this.name }, 'the link with a broker is stalled');
  }

  flowing(): void {
    this.#kernel.log.info({ broker: this.name }, 'the link with a broker flows again');
  }

  acknowledged(): void {
    this.lanes.drain();
  }

  lost(why: string): void {
    this.#isOpen = false;
    this.lanes.drop();
    this.#kernel.log.warn({ broker: this.name, why }, 'the link with a broker is lost');
    const extensions = [...this.#extensions.values()];
    const guests = [...this.#guests.values()];
    const asked = [...this.#asked.values()];
    this.#extensions.clear();
    this.#guests.clear();
    this.#tokens.clear();
    this.#asked.clear();
    const { ref } = this.#kernel;
    // Before any turn is looked for elsewhere all of them have ended here.
    this.#listener.lost(this);
    for (const guest of guests) guest.hangUp(1006);
    for (const extension of extensions) if (extension.ref) tell(ref, extension.ref, { type: 'extension.lost' });
    for (const { reject } of asked) reject(new Error(`the link with broker ${this.name} was lost`));
  }

  /** What cannot be read is that entry's fault alone: the link, and all others that go by it, know nothing of it. */
  entry(entry: Entry): void {
    try {
      this.#entry(entry);
    } catch (err) {
      this.#kernel.log.error(
        { err, broker: this.name, kind: entry.kind },
        'what another broker has said cannot be read',
      );
    }
  }

  #entry(entry: Entry): void {
    if (entry.stream === OWN) this.#own(entry);
    else if (this.#extensions.has(entry.stream))
      this.#forExtension(entry, this.#extensions.get(entry.stream) as Extension);
    else if (entry.stream < 0) this.#forGuest(entry);
  }

  token(token: StreamToken): void {
    const extension = this.#tokens.get(token.stream);
    if (extension?.ref) tell(this.#kernel.ref, extension.ref, { type: 'extension.token', token });
  }

  #own(entry: Entry): void {
    if (entry.kind === 'text') this.#listener.told(this, entry.body);
    else if (entry.kind === 'request') {
      const { id, method, body } = entry;
      const { link } = this;
      const answer = (isError: boolean, text: string) => {
        if (this.#isOpen) link.send({ kind: 'reply', stream: OWN, id, isError, body: text });
      };
      void this.#listener.asked(this, method, body).then(
        (text) => answer(false, text),
        (error: unknown) => answer(true, String((error as Error).message)),
      );
    } else if (entry.kind === 'reply') {
      const waiting = this.#asked.get(entry.id);
      this.#asked.delete(entry.id);
      if (entry.isError) waiting?.reject(new Error(entry.body));
      else waiting?.resolve(entry.body);
    }
  }

  #forExtension(entry: Entry, extension: Extension): void {
    const { ref } = extension;
    if (!ref) return;
    if (entry.kind === 'close') {
      this.#extensions.delete(entry.stream);
      extension.way.forget();
      const { code } = parseJson(entry.body) as { code: number };
      tell(this.#kernel.ref, ref, { type: 'extension.closed', code });
    } else if (entry.kind === 'text') {
      const frame = readFrame(entry.body);
      if (frame) tell(this.#kernel.ref, ref, { type: 'extension.frame', frame });
    }
  }

  #forGuest(entry: Entry): void {
    const { stream } = entry;
    const guest = this.#guests.get(stream);
    if (entry.kind === 'open') this.#open(stream, entry.body);
    else if (entry.kind === 'head') this.#head(stream, entry.body);
    else if (entry.kind === 'text') guest?.receive(entry.body);
    else if (entry.kind === 'request' && entry.method === 'identity' && guest)
      this.#listener.seesAnew(guest, guestOpening.parse(parseJson(entry.body)));
    else if (entry.kind !== 'close') return;
    else if (guest) {
      const { code, why } = parseJson(entry.body) as GuestClose;
      guest.hangUp(code, why);
    } else {
      this.#tokens.get(stream)?.tokens.delete(stream);
      this.#tokens.delete(stream);
    }
  }

  #open(stream: number, body: string): void {
    const said: unknown = parseJson(body);
    const { tokens_of: of } = said as Partial<TokensOf>;
    if (of !== undefined) {
      const extension = this.#extensions.get(of);
      if (extension) this.#tokens.set(stream, extension);
      return;
    }
    const read = guestOpening.safeParse(said);
    if (!read.success) {
      // Who has opened it waits for answers that would never come.
      this.link.send({ kind: 'close', stream, body: writeJson({ code: CloseCode.GoingAway }) });
      throw read.error;
    }
    const opening = read.data;
    const newStream = () => this.newStream();
    const lane = this.lanes.lane(this.#kernel.limits, () => guest.overrun());
    const guest: GuestLink = new GuestLink(lane, stream, opening, newStream, () => this.#guests.delete(stream));
    this.#guests.set(stream, guest);
    const identity = opening.identity && readIdentity(opening.identity);
    this.#kernel.ref.send({ type: 'link.opened', link: guest, identity });
  }

  #head(stream: number, head: string): void {
    const extension = this.#tokens.get(stream);
    extension?.tokens.set(stream, { head, turnId: turnOf(head) });
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The id of the turn whose tokens begin with this. */
function turnOf(head: string): string {
  // It ends behind a comma, in the middle of its parameters.
  const { params } = parseJson(`${head.slice(0, -1)}}}`) as { params: JsonObject };
  return String(params.turn_id);
}

/** A frame of the other broker's. One that is none is not passed on. */
function readFrame(text: string): GuestFrame | undefined {
  const frame = decodeFrame(text);
  if (frame.kind === 'notification')
    return { kind: 'notification', text, method: frame.method, params: (frame.params ?? {}) as JsonObject };
  if (frame.kind === 'request') return { kind: 'request', text, id: frame.id, method: frame.method };
  if (frame.kind !== 'response') return undefined;
  const answer = frame.error === undefined ? { result: frame.result } : { error: frame.error };
  return { kind: 'answer', bytes: text.length, id: frame.id, answer };
}
