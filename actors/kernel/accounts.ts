import { WireError } from '../../protocol/errors.ts';
import type { LimitName, LimitScope, Measure } from '../../protocol/shared-limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** What is limited in one scope. */
export type ScopeLimits = ReadonlyMap<Measure, number>;

/** Of which there are so many at once; all others are so many a second. */
const AT_ONCE = ['turns', 'connections', 'agents', 'keys', 'listed', 'events'] as const;
/** See {@link AT_ONCE}. */
export type Count = (typeof AT_ONCE)[number];
/** What comes so often a second. */
export type Rate = Exclude<Measure, Count>;

/** A limit that is reached, and when it may not be any more. 0: nobody knows. */
export interface Reached {
  readonly name: LimitName;
  readonly value: number;
  readonly ms: number;
}

/** What is counted of one person, one agent, one tenant or one key, by whichever connection. */
export class Account {
  readonly scope: LimitScope;
  readonly limits: ScopeLimits;
  readonly #buckets = new Map<Rate, TokenBucket>();
  /** Live turns of theirs, and chats that wait. */
  turns = 0;
  /** Their sockets. */
  connections = 0;
  /** Connections that know of this account, those inside this process too. */
  holders = 0;

  constructor(scope: LimitScope, limits: ScopeLimits, now: number) {
    this.scope = scope;
    this.limits = limits;
    for (const [measure, perSecond] of limits) {
      // A second's worth at once.
      if (isRate(measure)) this.#buckets.set(measure, new TokenBucket(perSecond, perSecond, now));
    }
  }

  /** Whether a limit of this kind is set. */
  has(measure: Measure): boolean {
    return this.limits.has(measure);
  }

  spend(measure: Rate, now: number, cost: number): void {
    this.#buckets.get(measure)?.spend(now, cost);
  }

  /** The limit, where there is not that much left. */
  lacks(measure: Rate, now: number, amount: number): Reached | undefined {
    const ms = this.#buckets.get(measure)?.msUntil(now, amount) ?? 0;
    return ms === 0 ? undefined : this.#reached(measure, ms);
  }

  /** The limit, where one more is too many. */
  isFull(measure: 'turns' | 'connections'): Reached | undefined {
    return this[measure] < (this.limits.get(measure) ?? Number.POSITIVE_INFINITY)
      ? undefined
      : this.#reached(measure, 0);
  }

  /** Whether it is as it was made: to forget it changes nothing. */
  isAsNew(now: number): boolean {
    if (!this.isIdle) return false;
    for (const bucket of this.#buckets.values()) if (bucket.msUntil(now, bucket.burst) > 0) return false;
    return true;
  }

  /** Whether nobody is there for it. */
  get isIdle(): boolean {
    return this.holders === 0 && this.turns === 0;
  }

  #reached(measure: Measure, ms: number): Reached {
    return { name: `${this.scope}.${measure}` as LimitName, value: this.limits.get(measure) as number, ms };
  }
}

const isRate = (measure: Measure): measure is Rate => !(AT_ONCE as readonly string[]).includes(measure);

/** The accounts that one client's doings count in: its own, its key's, its tenant's. Those without a limit are left out. */
export class Accounts {
  readonly all: readonly Account[];
  /** Whose turns' deltas it is that are to be paid for by whoever opened them. */
  readonly ofDeltas: readonly Account[] | undefined;
  /** What keeps a connection from being read, while it is owed. */
  readonly #held: readonly Rate[];

  /** @param own - one's own, and those narrower than the tenant's */
  constructor(own: readonly Account[], tenant: Account | undefined, isAgent: boolean) {
    this.all = tenant ? [...own, tenant] : own;
    const ofDeltas = isAgent ? [] : own.filter((account) => account.has('deltas'));
    this.ofDeltas = ofDeltas.length > 0 ? ofDeltas : undefined;
    // A person's deltas are what agents send in their turns: it is not the person who would be held up.
    this.#held = isAgent ? ['bytes', 'deltas'] : ['bytes'];
  }

  /** So much has come, and cannot be refused any more. */
  spend(rate: 'bytes' | 'deltas', now: number, cost: number): void {
    for (const account of this.all) account.spend(rate, now, cost);
  }

  /** What is owed for what has come: until it is paid, nothing more is to be read. */
  owed(now: number): Reached | undefined {
    let most: Reached | undefined;
    for (const account of this.all) for (const rate of this.#held) most = later(most, account.lacks(rate, now, 0));
    return most;
  }

  /** Whether one more of these would be too many; then which. */
  isFull(count: 'turns' | 'connections'): Reached | undefined {
    for (const account of this.all) {
      const reached = account.isFull(count);
      if (reached) return reached;
    }
    return undefined;
  }

  /** What is owed for the deltas of their turns. */
  owedDeltas(now: number): Reached | undefined {
    let most: Reached | undefined;
    for (const account of this.ofDeltas ?? []) most = later(most, account.lacks('deltas', now, 0));
    return most;
  }

  /** So many more of these are there, or less. */
  add(count: 'turns' | 'connections' | 'holders', more: number): void {
    for (const account of this.all) account[count] += more;
  }
}

/** Counts one more in each, unless that is too much for one of them; then which, and when it is not. */
export function takeOne(accounts: Iterable<Account>, rate: 'chats' | 'tools', now: number): Reached | undefined {
  let most: Reached | undefined;
  for (const account of accounts) most = later(most, account.lacks(rate, now, 1));
  if (!most) for (const account of accounts) account.spend(rate, now, 1);
  return most;
}

const later = (one: Reached | undefined, other: Reached | undefined): Reached | undefined =>
  one && (!other || one.ms >= other.ms) ? one : other;

/** `-32020`, for a limit that was reached. */
export const toLimitError = ({ name, value, ms }: Reached): WireError =>
  WireError.limitExceeded(name, value, ms === 0 ? undefined : ms);
