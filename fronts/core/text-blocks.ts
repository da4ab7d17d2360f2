import { Deltas } from './deltas.ts';
import type { EventStream } from './event-stream.ts';

/** What a front sends of a text. */
export interface TextForm<K extends string> {
  /** Its beginning. Returns what the text is known by. */
  begin(kind: K): string;
  delta(kind: K, id: string, text: string): void;
  end(kind: K, id: string): void;
}

/** Texts of a stream whose client wants to hear where each begins and ends: one is open at a time, and it is of one kind. */
export class TextBlocks<K extends string> {
  readonly #deltas: Deltas<K>;
  readonly #form: TextForm<K>;
  #open: { kind: K; id: string } | undefined;

  constructor(stream: EventStream, form: TextForm<K>) {
    this.#form = form;
    this.#deltas = new Deltas(stream, (kind, text) => this.#write(kind, text));
  }

  push(kind: K, text: string): void {
    this.#deltas.push(kind, text);
  }

  /** Before anything that is no text. */
  close(): void {
    this.#deltas.flush();
    this.#end();
  }

  #write(kind: K, text: string): void {
    if (this.#open?.kind !== kind) {
      this.#end();
      this.#open = { kind, id: this.#form.begin(kind) };
    }
    this.#form.delta(kind, this.#open.id, text);
  }

  #end(): void {
    if (!this.#open) return;
    const { kind, id } = this.#open;
    this.#open = undefined;
    this.#form.end(kind, id);
  }
}
