import MiniSearch from 'minisearch';
import type { Fact } from './fact-store.ts';

/**
 * How many mentions of a query's words are looked at: what a query costs is their number. Words are taken the rarest
 * first, because a rare word says more about what is meant than one that every other fact has.
 */
const MAX_MENTIONS = 4_000;

/** Where even the rarest word of a query is in more facts than that, this many of the newest are ranked. */
export const NEWEST = 500;

const APART = /[^\p{L}\p{N}]+/u;
const PLAIN = /^[\0-\x7f]*$/;

function wordsOf(text: string): string[] {
  // Nearly all of it, and several times as fast.
  if (PLAIN.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return text
    .normalize('NFKC')
    .toLowerCase()
    .split(APART)
    .filter((word) => word !== '');
}

/** What is found of a fact. */
function textOf({ subject, speaker = '', body }: Fact): string {
  return `${subject} ${speaker} ${body}`;
}

/** Ranks what it is given (BM25+). The texts themselves are not kept. */
function newIndex(): MiniSearch<Fact> {
  return new MiniSearch<Fact>({
    fields: ['text'],
    extractField: (fact, field) => (field === 'id' ? fact.id : textOf(fact)),
    tokenize: wordsOf,
    // They are in lower case already.
    processTerm: (word) => word,
  });
}

/** Which facts of one field a word is in, and how often: by the short numbers that the library gives facts. */
type Mentions = Map<number, number>;

/** The part of the library's inside that {@link ScopeIndex.fill} goes around. */
interface Inside {
  addTerm?(field: number, fact: number, word: string): void;
  readonly _index: { fetch(word: string, make: () => Map<number, Mentions>): Map<number, Mentions> };
}

/** The words of one scope's facts, and which facts they are in. */
export class ScopeIndex {
  readonly #index = newIndex();
  /** In how many facts each word is. */
  readonly #mentions = new Map<string, number>();
  /** Bytes of each fact, the oldest first. */
  readonly #bytes = new Map<string, number>();
  #total = 0;

  get size(): number {
    return this.#bytes.size;
  }
  /** Bytes of all facts together. */
  get bytes(): number {
    return this.#total;
  }

  has(id: string): boolean {
    return this.#bytes.has(id);
  }

  add(fact: Fact, bytes: number): void {
    this.#take(fact, bytes);
    for (const word of new Set(wordsOf(textOf(fact)))) this.#mentions.set(word, (this.#mentions.get(word) ?? 0) + 1);
  }

  #take(fact: Fact, bytes: number): void {
    this.#index.add(fact);
    this.#bytes.set(fact.id, bytes);
    this.#total += bytes;
  }

  /**
   * Takes many facts, in any number of slices, before it is used: `take` adds one, `done` is called last. The library
   * looks each word of each fact up in a tree, which is more than half of the work; here each is looked up once.
   */
  fill(): { take(fact: Fact, bytes: number): void; done(): void } {
    const inside = this.#index as unknown as Inside;
    const known = new Map<string, Mentions>();
    inside.addTerm = (field, fact, word) => {
      let mentions = known.get(word);
      if (!mentions) {
        const fields = inside._index.fetch(word, () => new Map());
        mentions = fields.get(field) ?? new Map<number, number>();
        fields.set(field, mentions);
        known.set(word, mentions);
      }
      mentions.set(fact, (mentions.get(fact) ?? 0) + 1);
    };
    return {
      take: (fact, bytes) => this.#take(fact, bytes),
      done: () => {
        // Its own again, from its class.
        delete inside.addTerm;
        for (const [word, { size }] of known) this.#mentions.set(word, size);
      },
    };
  }

  delete(fact: Fact): void {
    const bytes = this.#bytes.get(fact.id);
    if (bytes === undefined) return;
    this.#index.discard(fact.id);
    this.#bytes.delete(fact.id);
    this.#total -= bytes;
    for (const word of new Set(wordsOf(textOf(fact)))) {
      const left = (this.#mentions.get(word) ?? 0) - 1;
      if (left > 0) this.#mentions.set(word, left);
      else this.#mentions.delete(word);
    }
  }

  /** The facts that fit best, the best first. `read` gives a fact's text. */
  search(query: string, k: number, read: (id: string) => Fact | undefined): { id: string; score: number }[] {
    const counts = [...new Set(wordsOf(query))].flatMap((word) => {
      const count = this.#mentions.get(word);
      return count === undefined ? [] : [{ word, count }];
    });
    counts.sort((a, b) => a.count - b.count);
    const words: string[] = [];
    let mentions = 0;
    for (const { word, count } of counts) {
      mentions += count;
      if (mentions > MAX_MENTIONS) break;
      words.push(word);
    }
    const [rarest] = counts;
    if (!rarest) return [];
    const index = words.length > 0 ? this.#index : this.#newest(read);
    const text = words.length > 0 ? words.join(' ') : query;
    return index.search(text).slice(0, k);
  }

  #newest(read: (id: string) => Fact | undefined): MiniSearch<Fact> {
    const index = newIndex();
    const ids = [...this.#bytes.keys()].slice(-NEWEST);
    index.addAll(ids.flatMap((id) => read(id) ?? []));
    return index;
  }
}
