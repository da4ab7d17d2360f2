import type { Chunk } from './text-block.ts';

/*
 * What an answer is drawn from. There is no kind here for HTML, and none for a picture that is loaded: what has no kind is
 * text.
 */

/** A part of a line. */
export type Inline =
  | string
  | { readonly kind: 'emphasis' | 'strong' | 'deleted'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'link'; readonly children: readonly Inline[]; readonly address: string; readonly title: string }
  | { readonly kind: 'picture'; readonly text: string; readonly address: string; readonly title: string };

/** How a column of a table stands. */
export type Align = 'left' | 'center' | 'right' | undefined;

/** A part of an answer that stands for itself. */
export type Block =
  | {
      readonly kind: 'paragraph';
      readonly children: readonly Inline[];
      /** It is a part of a line that was too long for one. */
      readonly isPart?: boolean;
    }
  | { readonly kind: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: 'quote'; readonly children: readonly Block[] }
  | {
      readonly kind: 'list';
      /** Of a numbered one, its first number. */
      readonly start: number | undefined;
      readonly items: readonly (readonly Block[])[];
      /** Its items are a line each, without room between them. */
      readonly isTight: boolean;
    }
  | { readonly kind: 'rule' }
  | {
      readonly kind: 'code';
      /** What stands behind the opening fence: by its first word the language. */
      readonly info: string;
      /** What will not change any more, and what grows behind it. */
      readonly chunks: readonly Chunk[];
      readonly tail: string;
    }
  | {
      readonly kind: 'table';
      readonly align: readonly Align[];
      /** Empty where the table goes on from a part before. */
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  /** As it was written. */
  | { readonly kind: 'plain'; readonly text: string };

/** A block of the outermost kind, and which lines of the parsed text it was. */
export interface Parsed {
  readonly block: Block;
  readonly from: number;
  /** Of a list: where its last item begins. */
  readonly lastItem: number;
  /** How many parts it has in all. */
  readonly parts: number;
}

/** What code between fences is, its last line end apart. */
export function codeOf({ chunks, tail }: Extract<Block, { kind: 'code' }>): string {
  return (chunks.map(({ text, end }) => text + end).join('') + tail).replace(/\n$/, '');
}

/** Its letters alone. */
export function textOf(inlines: readonly Inline[]): string {
  return inlines
    .map((one) => {
      if (typeof one === 'string') return one;
      if (one.kind === 'break') return '\n';
      if (one.kind === 'link') return `${textOf(one.children)} (${one.address})`;
      return 'text' in one ? one.text : textOf(one.children);
    })
    .join('');
}
