import MiniSearch from 'minisearch';
import { bytesOf, type Fact } from './fact-store.ts';
import { rankFew } from './rank-few.ts';
import { alone, textOf, wordsOf } from './words.ts';

/**
 * How many mentions of a query's words are looked at: what a query costs is their number. Words are taken the rarest
 * first, because a rare word says more about what is meant than one that every other fact has.
 */
const MAX_MENTIONS = 4_000;

/** How many different words of a query are looked for, the rarest ones. */
const MAX_WORDS = 32;

/** Where even the rarest word of a query is in more facts than that, this many of the newest are ranked. */
const NEWEST = 500;
/** And no more of their text than that, in bytes: it is read word by word at each such query. */
const NEWEST_BYTES = 128 * 1024;

/*
 * What an index takes of the heap, in bytes, at the most: measured, and rounded up for tables that have just doubled. A
 * word has a table of the facts that it is in, whose first places are in its own price.
 */
const WORD_BYTES = 400;
const CHARACTER_BYTES = 2;
const MENTION_BYTES = 64;
const FACT_BYTES = 400;
/** What a fact takes whose text is in the process, too: its object, and two bytes for each one of UTF-8. */
const HELD_BYTES = 600;

/** What indexes take together, by estimate. */
export interface Tally {
  bytes: number;
}

/** Which facts a word is in, and how often: by the short numbers that the library gives facts. */
class Word {
  readonly facts = new Map<number, number>();
  /** As the library asks, field by field: there is one. */
  get(): Map<number, number> {
    return this.facts;
  }
}

/** The part of the library's inside that is replaced. */
interface Inside {
  _index: Map<string, Word>;
  addTerm(field: number, fact: number, word: string): void;
  removeTerm(field: number, fact: number, word: string): void;
}

/** The words of one scope's facts, and which facts they are in. The texts themselves are not kept. */
export class ScopeIndex {
  /** Ranks (BM25+). */
  readonly #index = new MiniSearch<Fact>({
    fields: ['text'],
    extractField: (fact, field) => (field === 'id' ? fact.id : textOf(fact)),
    tokenize: wordsOf,
    // They are in lower case already.
    processTerm: (word) => word,
  });
  /**
   * Instead of the library's tree, which serves searches by beginnings and misspellings: there are none here. It is half
   * as large, several times as fast to fill, and tells in how many facts a word is.
   */
  readonly #words = new Map<string, Word>();
  /** Bytes of each fact, the oldest first. */
  readonly #bytes = new Map<string, number>();
  /** Whether the texts of its facts are in this process, and count. */
  readonly isHeld: boolean;
  #tally: Tally | undefined;
  #total = 0;
  #cost = 0;

  constructor(tally: Tally, isHeld = false) {
    this.#tally = tally;
    this.isHeld = isHeld;
    const inside = this.#index as unknown as Inside;
    inside._index = this.#words;
    inside.addTerm = (_field, fact, word) => this.#mention(word, fact);
    inside.removeTerm = (_field, fact, word) => this.#unmention(word, fact);
  }

  get size(): number {
    return this.#bytes.size;
  }
  /** Bytes of all facts together. */
  get bytes(): number {
    return this.#total;
  }
  /** What it takes of the heap, by estimate: rather too much than too little. Bytes. */
  get cost(): number {
    return this.#cost;
  }

  /** It is not used any more, and does not count any more. */
  release(): void {
    if (this.#tally) this.#tally.bytes -= this.#cost;
    this.#tally = undefined;
  }

  has(id: string): boolean {
    return this.#bytes.has(id);
  }

  /** How much more it would cost with this fact. Bytes. */
  priceOf(fact: Fact): number {
    let price = this.#costOf(bytesOf(fact));
    for (const word of new Set(wordsOf(textOf(fact)))) {
      price += MENTION_BYTES;
      if (!this.#words.has(word)) price += WORD_BYTES + CHARACTER_BYTES * word.length;
    }
    return price;
  }

  add(fact: Fact): void {
    const bytes = bytesOf(fact);
    this.#bytes.set(fact.id, bytes);
    this.#total += bytes;
    this.#charge(this.#costOf(bytes));
    this.#index.add(fact);
  }

  delete(fact: Fact): void {
    const bytes = this.#bytes.get(fact.id);
    if (bytes === undefined) return;
    this.#bytes.delete(fact.id);
    this.#total -= bytes;
    this.#charge(-this.#costOf(bytes));
    this.#index.remove(fact);
  }

  /** The facts that fit best, the best first. `read` gives a fact's text. */
  search(query: string, k: number, read: (id: string) => Fact | undefined): { id: string; score: number }[] {
    const counts = [...new Set(wordsOf(query))].flatMap((word) => {
      const known = this.#words.get(word);
      return known ? [{ word, count: known.facts.size }] : [];
    });
    counts.sort((a, b) => a.count - b.count);
    counts.splice(MAX_WORDS);
    const words: string[] = [];
    let mentions = 0;
    for (const { word, count } of counts) {
      mentions += count;
      if (mentions > MAX_MENTIONS) break;
      words.push(word);
    }
    if (counts.length === 0) return [];
    const found =
      words.length > 0
        ? this.#index.search(words.join(' '))
        : rankFew(
            this.#newest(read),
            counts.map(({ word }) => word),
          );
    return found.slice(0, k);
  }

  #newest(read: (id: string) => Fact | undefined): Fact[] {
    const facts: Fact[] = [];
    let bytes = 0;
    for (const id of [...this.#bytes.keys()].slice(-NEWEST).reverse()) {
      bytes += this.#bytes.get(id) ?? 0;
      if (bytes > NEWEST_BYTES && facts.length > 0) break;
      const fact = read(id);
      if (fact) facts.push(fact);
    }
    return facts;
  }

  #mention(word: string, fact: number): void {
    let known = this.#words.get(word);
    if (!known) {
      known = new Word();
      this.#words.set(alone(word), known);
      this.#charge(WORD_BYTES + CHARACTER_BYTES * word.length);
    }
    const often = known.facts.get(fact);
    if (often === undefined) this.#charge(MENTION_BYTES);
    known.facts.set(fact, (often ?? 0) + 1);
  }

  #unmention(word: string, fact: number): void {
    const known = this.#words.get(word);
    const often = known?.facts.get(fact);
    if (!known || often === undefined) return;
    if (often > 1) {
      known.facts.set(fact, often - 1);
      return;
    }
    known.facts.delete(fact);
    this.#charge(-MENTION_BYTES);
    if (known.facts.size > 0) return;
    this.#words.delete(word);
    this.#charge(-WORD_BYTES - CHARACTER_BYTES * word.length);
  }

  #costOf(bytes: number): number {
    return this.isHeld ? FACT_BYTES + HELD_BYTES + 2 * bytes : FACT_BYTES;
  }

  #charge(bytes: number): void {
    this.#cost += bytes;
    if (this.#tally) this.#tally.bytes += bytes;
  }
}
