import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose';
import { JwtRefusal } from './refusal.ts';

/** Younger than that, a set is not asked for again, whatever key is missing from it; nor is a server that failed. */
const COOLDOWN_MS = 30_000;
/** Older than that, it is asked for again before it is used. */
const MAX_AGE_MS = 10 * 60_000;
/** So long the last one that was good goes on where no newer one can be had: an outage locks nobody out. */
const LAST_GOOD_MS = 24 * 60 * 60_000;

/** Finds the key of a token, as `jose` asks for it. */
export type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/** The keys of an issuer. */
export interface IssuerKeys {
  find: FindKey;
  /** Whether what was verified by them counts still, though nobody asks for one of them. */
  vouchStill(): boolean;
}

/** Makes a set of what was read. Throws where it is none. */
export type MakeSet = (jwks: JSONWebKeySet) => Promise<FindKey>;

/** Keys out of a file, or given by an embedder. */
export class GivenKeys implements IssuerKeys {
  readonly #make: MakeSet;
  #jwks: JSONWebKeySet;
  #set: Promise<FindKey> | undefined;

  constructor(jwks: JSONWebKeySet, make: MakeSet) {
    this.#jwks = jwks;
    this.#make = make;
  }

  /** From now on these. */
  renew(jwks: JSONWebKeySet): void {
    this.#jwks = jwks;
    this.#set = undefined;
  }

  readonly find: FindKey = async (header, token) => {
    this.#set ??= this.#make(this.#jwks);
    const find = await this.#set;
    return find(header, token);
  };

  vouchStill(): boolean {
    return true;
  }
}

/** What is said of the keys, for whoever runs the broker. */
export interface KeyNews {
  /** They could not be had. @param oldMs - how old those are that are used in their place; undefined: there are none */
  failed(why: string, oldMs: number | undefined): void;
  /** They can be had again. */
  back(): void;
  /** They are others than before: what was verified with those is to be verified anew. */
  changed(): void;
}

/** What was read last, when, and what finds keys in it. */
interface Good {
  text: string;
  find: FindKey;
  at: number;
}

/**
 * Keys that are fetched, as `createRemoteJWKSet` of `jose` does it: when they are first needed, when they are ten minutes
 * old, and where a key is missing, at most once in thirty seconds. Unlike there the last good set outlives a server that
 * is away, for a day, and the time is the broker's.
 */
export class FetchedKeys implements IssuerKeys {
  readonly #fetch: () => Promise<string>;
  readonly #make: MakeSet;
  readonly #now: () => number;
  readonly #news: KeyNews;
  #good: Good | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #hasFailed = false;

  /** @param now - milliseconds */
  constructor(options: { fetch: () => Promise<string>; make: MakeSet; now: () => number; news: KeyNews }) {
    this.#fetch = options.fetch;
    this.#make = options.make;
    this.#now = options.now;
    this.#news = options.news;
  }

  /** Has them there before anybody comes. */
  async warm(): Promise<void> {
    if (!this.#good) await this.#ask();
  }

  readonly find: FindKey = async (header, token) => {
    if (this.#ageMs >= MAX_AGE_MS) await this.#ask();
    const good = this.#good;
    if (!good || this.#ageMs >= LAST_GOOD_MS) throw new JwtRefusal('jwks');
    try {
      return await good.find(header, token);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_JWKS_NO_MATCHING_KEY') throw error;
      // The issuer may have a new one.
      await this.#ask();
      const newer = this.#newest;
      if (!newer || newer === good) throw error;
      return await newer.find(header, token);
    }
  };

  /** Old ones are asked for again behind it: where all tokens are remembered, nobody else would see that one is gone. */
  vouchStill(): boolean {
    if (this.#ageMs >= MAX_AGE_MS) void this.#ask();
    return this.#ageMs < LAST_GOOD_MS;
  }

  /** Asked for anew: it may have changed meanwhile. */
  get #newest(): Good | undefined {
    return this.#good;
  }

  get #ageMs(): number {
    return this.#good ? this.#now() - this.#good.at : Number.POSITIVE_INFINITY;
  }

  /** Asks once for all who wait, and not again too soon. Never rejects. */
  async #ask(): Promise<void> {
    if (!this.#asking) {
      if (this.#now() - this.#askedAt < COOLDOWN_MS) return;
      this.#askedAt = this.#now();
      this.#asking = this.#load().finally(() => {
        this.#asking = undefined;
      });
    }
    await this.#asking;
  }

  async #load(): Promise<void> {
    try {
      const text = await this.#fetch();
      const before = this.#good;
      const find = before?.text === text ? before.find : await this.#make(parse(text));
      this.#good = { text, find, at: this.#now() };
      if (before && before.text !== text) this.#news.changed();
      if (this.#hasFailed) this.#news.back();
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      const age = this.#ageMs;
      this.#news.failed((error as Error).message, age < LAST_GOOD_MS ? age : undefined);
    }
  }
}

function parse(text: string): JSONWebKeySet {
  try {
    return JSON.parse(text) as JSONWebKeySet;
  } catch {
    throw new Error('the answer is no JSON');
  }
}
