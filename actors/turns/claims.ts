import type { WireError } from '../../protocol/errors.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { firstOf, HeldCalls } from './held-calls.ts';
import { MAX_OF_SESSION, OpenedElsewhere, type OpenedRow } from './opened-elsewhere.ts';

/** So often a session is claimed that another broker has just let go of, and after so long again. Milliseconds. */
const CLAIMS = 4;
const CLAIM_AGAIN_MS = 40;
/** The same of one that is here already: whoever had it lets go of it, by another way. */
const KEEPS = 50;

/** Who holds names of sessions among several brokers. */
export interface ClaimBook {
  /** Rejects where nobody can be asked now. */
  claim(name: string): Promise<{ readonly isOurs: true } | { readonly isOurs: false; readonly broker: string }>;
  release(name: string): void;
}

/** What a broker that wants a session says to the one that holds it. */
export interface SessionWish {
  readonly session_key: string;
  /** Of the token that a chat was sent with: whoever has opened a turn with it is to answer. */
  readonly token_hash?: string | undefined;
  /** What was opened there, so that whoever holds the session knows of all of it. */
  readonly opened: readonly OpenedRow[];
}

/**
 * What the holder answers. `free`: it holds it no more, and knows of these openings. `busy`: there is a live turn, or one waits.
 * `at`: what was opened with that token is at that broker.
 */
export type SessionAnswer =
  | { readonly is: 'free'; readonly opened: readonly OpenedRow[] }
  | { readonly is: 'busy' }
  | { readonly is: 'at'; readonly broker: string };

/** Other brokers that hold sessions. */
export interface SessionHolders {
  /** Rejects where that one cannot be asked. */
  ask(broker: string, wish: SessionWish): Promise<SessionAnswer>;
  /** Who of all that can be asked has something of a session that nobody had to claim. */
  find(wish: SessionWish): Promise<{ readonly broker: string; readonly isBusy: boolean } | undefined>;
  /** What a request is answered with whose session's broker cannot be asked. */
  unreachable(broker: string): WireError;
}

/** What came of a claim: it is this broker's; or another one's, which is to answer if it is not `isBusy` alone. */
export type Claimed =
  | { readonly is: 'ours' }
  | { readonly is: 'elsewhere'; readonly broker: string; readonly isBusy: boolean }
  | { readonly is: 'unreachable'; readonly error: WireError };

/** Ids of sessions that a broker has made itself: nobody had to claim those at first. */
const MADE = /^chat-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(:|$)/;

/**
 * Sessions whose ids their callers chose, in a cluster: no two brokers have a live turn in one, and a turn that was opened with a
 * token is found by that wherever it is. A session is claimed before its first turn, and held while there is something of it: a
 * live turn, one that waits, or an ended one that the same token still finds. Whoever wants it asks the holder for it. What is asked
 * about a session meanwhile waits.
 */
export class Claims {
  readonly elsewhere = new OpenedElsewhere();
  readonly #kernel: Kernel;
  readonly #book: ClaimBook;
  readonly #holders: SessionHolders;
  readonly #held = new Set<string>();
  /** Of those that are held, which have yet to be had, and by which word: see {@link keep}. */
  readonly #asking = new Map<string, object>();
  readonly #pending = new Map<string, HeldCalls>();
  /** What was opened here in a session. */
  openedHere: (sessionKey: string) => OpenedRow[] = () => [];

  constructor(kernel: Kernel, book: ClaimBook, holders: SessionHolders) {
    this.#kernel = kernel;
    this.#book = book;
    this.#holders = holders;
  }

  holds(sessionKey: string): boolean {
    return this.#held.has(sessionKey);
  }

  /** What waits for the word on one of these, if there is any to wait for. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined {
    return firstOf(this.#pending, sessionKeys);
  }

  /**
   * Where no broker can be asked for names, what is known here counts.
   * @param tokenHash - of the token that its chat was sent with
   */
  claim(sessionKey: string, tokenHash: string | undefined, settle: (claimed: Claimed) => void): void {
    const calls = new HeldCalls();
    this.#pending.set(sessionKey, calls);
    this.#ask(sessionKey, tokenHash, CLAIMS, (claimed) => {
      if (claimed.is === 'ours') this.#held.add(sessionKey);
      this.#kernel.attempt('a session that was claimed', () => settle(claimed));
      this.#pending.delete(sessionKey);
      calls.release(this.#kernel, () => {});
    });
  }

  #ask(name: string, tokenHash: string | undefined, times: number, heard: (claimed: Claimed) => void): void {
    const again = () => this.#ask(name, tokenHash, times - 1, heard);
    this.#book.claim(name).then(
      (claim) => {
        if (!claim.isOurs) this.#askHolder(name, tokenHash, claim.broker, times, heard, again);
        else if (MADE.test(name)) this.#askAll(name, tokenHash, heard);
        else heard({ is: 'ours' });
      },
      (err: unknown) => {
        this.#kernel.sparseLog.warn({ err }, 'a session could not be claimed: what is known here counts');
        heard({ is: 'ours' });
      },
    );
  }

  #askHolder(
    name: string,
    tokenHash: string | undefined,
    broker: string,
    times: number,
    heard: (claimed: Claimed) => void,
    again: () => void,
  ): void {
    const later = () => this.#kernel.deadlines.arm(CLAIM_AGAIN_MS, again);
    this.#holders.ask(broker, this.#wish(name, tokenHash)).then(
      (answer) => {
        if (answer.is === 'free') this.#learn(name, answer.opened);
        if (answer.is === 'at') heard({ is: 'elsewhere', broker: answer.broker, isBusy: false });
        // One that is here already is wanted as soon as it may be had.
        else if (answer.is === 'busy' && (times === 1 || !this.#held.has(name)))
          heard({ is: 'elsewhere', broker, isBusy: true });
        else if (times === 1) heard({ is: 'unreachable', error: this.#holders.unreachable(broker) });
        else if (times === CLAIMS) again();
        else later();
      },
      () => {
        if (times === 1) heard({ is: 'unreachable', error: this.#holders.unreachable(broker) });
        // It may be over: then what it held is free in a moment.
        else later();
      },
    );
  }

  /** It has no holder; but its first turn may be live at the broker that has made its id. */
  #askAll(name: string, tokenHash: string | undefined, heard: (claimed: Claimed) => void): void {
    this.#holders.find(this.#wish(name, tokenHash)).then((found) => {
      if (!found) return heard({ is: 'ours' });
      this.#book.release(name);
      heard({ is: 'elsewhere', ...found });
    });
  }

  #wish(name: string, tokenHash: string | undefined): SessionWish {
    const opened = this.#openedIn(name);
    return { session_key: name, ...(tokenHash === undefined ? {} : { token_hash: tokenHash }), opened };
  }

  #openedIn(name: string): OpenedRow[] {
    return [...this.elsewhere.of(name, this.#kernel.clock.now()), ...this.openedHere(name).slice(-MAX_OF_SESSION)];
  }

  #learn(name: string, opened: readonly OpenedRow[]): void {
    this.elsewhere.learn(name, opened, this.#kernel.clock.now());
  }

  /** One that is here already, from before a restart or from another broker. */
  keep(sessionKey: string): void {
    if (this.#held.has(sessionKey)) return;
    this.#held.add(sessionKey);
    const word = {};
    this.#asking.set(sessionKey, word);
    this.#ask(sessionKey, undefined, KEEPS, (claimed) => {
      const counts = this.#asking.get(sessionKey) === word;
      if (counts) this.#asking.delete(sessionKey);
      const isOurs = claimed.is === 'ours';
      if (!isOurs) this.#kernel.log.warn({ session: sessionKey }, 'another broker has a turn in this session, too');
      // It may have ended meanwhile.
      if (!this.#held.has(sessionKey)) this.#book.release(sessionKey);
      else if (!isOurs && counts) this.#held.delete(sessionKey);
    });
  }

  /** One of a turn that lives here was had after all, by whoever went on asking for it. */
  had(sessionKey: string): void {
    this.#held.add(sessionKey);
    this.#asking.delete(sessionKey);
  }

  /** Another broker wants it, and nothing of it lives here. @returns what that has to know */
  yield({ session_key: name }: SessionWish): readonly OpenedRow[] {
    const opened = this.#openedIn(name);
    this.elsewhere.forget(name);
    this.#held.delete(name);
    // Whatever is known of it here: it is not to be held for nobody.
    this.#book.release(name);
    return opened;
  }

  release(sessionKey: string): void {
    if (this.#held.delete(sessionKey)) this.#book.release(sessionKey);
  }
}
