import type { Accounts } from '../kernel/accounts.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { TokenBucket } from '../kernel/token-bucket.ts';

/** A shorter frame costs no more than others of its kind, and is free: requests are counted, and a token is nothing. */
const FREE_BYTES = 4 * 1024;

/**
 * What a member or an element of a large frame costs, in bytes of text. Parsing a text of a megabyte takes a millisecond, and
 * 100,000 members of other names a tenth of a second.
 */
const MEMBER_BYTES = 512;

/**
 * How many bytes of large frames one connection may have read, as a token bucket (`wire.md` section 1), and what of all its
 * frames counts with others of its person, agent and tenant. What a frame costs is known only when it is there. So none is
 * refused: after one that was too much, the connection is not read until it is paid for, and its sender waits.
 */
export class Inflow {
  readonly #kernel: Kernel;
  readonly #client: Client;
  readonly #own: TokenBucket;
  #pause: Deadline | undefined;

  constructor(kernel: Kernel, client: Client) {
    const { bytesPerSecond, byteBurst } = kernel.limits;
    this.#kernel = kernel;
    this.#client = client;
    this.#own = new TokenBucket(bytesPerSecond, byteBurst, kernel.clock.now());
  }

  /** A frame of so many bytes has come. */
  take(bytes: number): void {
    const { accounts } = this.#client;
    if (accounts) this.#charge(accounts, 'bytes', bytes);
    if (bytes > FREE_BYTES) this.#pay(bytes);
  }

  /** And it has so many members and elements: a small one is not counted. */
  takeMembers(members: number): void {
    this.#pay(members * MEMBER_BYTES);
  }

  /** And it is an event of a turn's. */
  takeDelta(): void {
    const { accounts } = this.#client;
    if (accounts) this.#charge(accounts, 'deltas', 1);
  }

  /** The connection is over. */
  stop(): void {
    this.#kernel.deadlines.disarm(this.#pause);
  }

  #pay(bytes: number): void {
    const left = this.#own.spend(this.#kernel.clock.now(), bytes);
    if (left < 0 && !this.#pause) this.#hold();
  }

  /** What is shared: whoever sends next is held up, whichever of them it was that sent too much. */
  #charge(accounts: Accounts, rate: 'bytes' | 'deltas', cost: number): void {
    const { clock, shared, sparseLog } = this.#kernel;
    const now = clock.now();
    accounts.spend(rate, now, cost);
    // One that is read whatever it owes has its requests refused instead.
    if (this.#pause || !this.#client.link.pause) return;
    const owed = accounts.owed(now);
    if (!owed) return;
    shared.count(owed.name);
    const { id, principal } = this.#client;
    sparseLog.info({ client: id, ...principal, limit: owed.name }, 'a connection is over its limit, and has to wait');
    this.#hold();
  }

  #hold(): void {
    this.#client.link.pause?.();
    this.#wait();
  }

  #owedMs(): number {
    const now = this.#kernel.clock.now();
    return Math.max(this.#own.msUntil(now, 0), this.#client.accounts?.owed(now)?.ms ?? 0);
  }

  /** Until it is paid for: more may have come meanwhile. */
  #wait(): void {
    this.#pause = this.#kernel.deadlines.arm(this.#owedMs(), () => {
      if (this.#owedMs() > 0) return this.#wait();
      this.#pause = undefined;
      this.#client.link.resume?.();
    });
  }
}
