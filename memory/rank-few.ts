import type { Fact } from './fact-store.ts';
import { textOf, wordsOf } from './words.ts';

/** The usual parameters of BM25+: those of the library that ranks the rest. */
const [K, B, D] = [1.2, 0.7, 0.5];

/**
 * Ranks a few facts by some words, without an index: what it costs is the length of their texts. The best first; of
 * equals the ones that come first in `facts`. Facts with none of the words are left out.
 */
export function rankFew(facts: readonly Fact[], words: readonly string[]): { id: string; score: number }[] {
  const wanted = new Map(words.map((word, n) => [word, n]));
  const inHowMany = words.map(() => 0);
  let length = 0;
  const rows = facts.map((fact) => {
    const counts = words.map(() => 0);
    const all = wordsOf(textOf(fact));
    for (const word of all) {
      const n = wanted.get(word);
      if (n !== undefined) counts[n] = (counts[n] ?? 0) + 1;
    }
    for (const [n, count] of counts.entries()) if (count > 0) inHowMany[n] = (inHowMany[n] ?? 0) + 1;
    length += all.length;
    return { id: fact.id, counts, length: all.length };
  });
  const average = length / facts.length;
  return rows
    .map((row) => {
      let score = 0;
      for (const [n, count] of row.counts.entries()) {
        if (count === 0) continue;
        const found = inHowMany[n] ?? 0;
        const rarity = Math.log(1 + (facts.length - found + 0.5) / (found + 0.5));
        score += rarity * (D + (count * (K + 1)) / (count + K * (1 - B + (B * row.length) / average)));
      }
      return { id: row.id, score };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
}
