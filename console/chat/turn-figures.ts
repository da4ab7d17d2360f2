import type { ChatEvent } from '../../client/browser.ts';
import { count, short, took } from '../format.ts';

/** When a turn's tokens came, as this page saw it. Unix milliseconds; as JSON it outlives a reload. */
export interface SavedFigures {
  sentAt: number;
  firstAt?: number;
  lastAt?: number;
  tokens: number;
  /** Some came together after a lost connection: how many is not known. */
  isCounted: boolean;
}

/** What a turn took. */
export class TurnFigures {
  #figures: SavedFigures;

  /** @param saved those of a turn that a page before this one began. */
  constructor(saved?: SavedFigures) {
    this.#figures = saved ?? { sentAt: Date.now(), tokens: 0, isCounted: true };
  }

  /** Takes an event of the turn. */
  event(event: ChatEvent): void {
    if (event.kind !== 'token' || event.delta === '') return;
    const figures = this.#figures;
    const now = Date.now();
    figures.firstAt ??= now;
    figures.lastAt = now;
    figures.tokens++;
    if (event.recovered) figures.isCounted = false;
  }

  /** As JSON. */
  saved(): SavedFigures {
    return { ...this.#figures };
  }

  /** In words, at its end: how long, to the first token, how many, how many a second from the first to the last. */
  words(): string[] {
    const { sentAt, firstAt, lastAt, tokens, isCounted } = this.#figures;
    const words = [took(Date.now() - sentAt)];
    if (firstAt === undefined || lastAt === undefined) return words;
    words.push(`first token ${took(firstAt - sentAt)}`);
    if (!isCounted) return words;
    words.push(`${count(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`);
    if (tokens > 1 && lastAt > firstAt) words.push(`${short((tokens - 1) / ((lastAt - firstAt) / 1_000))}/s`);
    return words;
  }
}
