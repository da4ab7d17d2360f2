import { escaped, UNSEEN } from './visible.ts';

/* Of an answer one reads, and does not decide by it: what writing needs stays, as far as it does something there. */

/** Letters of scripts in which a joiner, or a non-joiner, after a letter is spelling: Arabic, Persian, those of India. */
const JOINING = String.raw`[\p{sc=Arab}\p{sc=Syrc}\p{sc=Nkoo}\p{sc=Mong}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}\p{sc=Java}\p{sc=Bali}\u064b-\u0655\u0670]`;
/** Letters of scripts without spaces, whose words a space of no width sets apart. */
const SPACELESS = String.raw`[\p{sc=Khmr}\p{sc=Laoo}\p{sc=Mymr}\p{sc=Thai}\p{sc=Tibt}]`;
/** Marks of direction. They turn around no text of letters, and writing from the right to the left needs them. */
const MARKS = String.raw`[\u200e\u200f\u061c]`;
const PICTURE = String.raw`\p{Extended_Pictographic}`;
/** England, Scotland and Wales: a black flag, and their letters as tags. */
const FLAG = String.raw`(?<=\u{1f3f4})\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}`;

const KEPT = [
  String.raw`(?<=${JOINING})(?<!${MARKS}|\u180e)[\u200c\u200d]`,
  String.raw`(?<=${SPACELESS})\u200b`,
  // Emoji of several people, of a profession; in colours or as text; digits on a key.
  String.raw`(?<=[${PICTURE}\p{Emoji_Modifier}]\ufe0f?)\u200d(?=${PICTURE})`,
  String.raw`(?<=${PICTURE})[\ufe0e\ufe0f]`,
  String.raw`(?<=[0-9#*])\ufe0f(?=\u20e3)`,
  // Which form a Chinese or Mongolian character has.
  String.raw`(?<=\p{sc=Han})[\ufe00-\ufe02\u{e0100}-\u{e01ef}]`,
  String.raw`(?<=\p{sc=Mong})(?<!\u180e)[\u180b-\u180f]`,
  // One at a place does all that any number would.
  `(?<!${MARKS})${MARKS}`,
  // They are formats, and signs that one sees: a year, a verse of the Quran.
  String.raw`[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}\u2800]`,
  // An emoji that is younger than this program.
  String.raw`(?=${PICTURE})\p{Cn}`,
].join('|');

/** A flag is kept, a carriage return before a line feed is part of that, everything else is written out. */
const IN_ANSWER = new RegExp(String.raw`(${FLAG})|(\r(?=\n))|(?![\n\t])(?=${UNSEEN})(?!${KEPT}).`, 'gsu');

/**
 * Writes out what cannot be seen in a text that somebody reads: whatever {@link visible} writes out, but for what emoji
 * and the scripts of the world need, and only where they do.
 */
export function visibleAnswer(text: string): string {
  return from(text, 0);
}

/** The same for what must stay on one line. */
export function visibleAnswerLine(text: string): string {
  return visibleAnswer(text).replace(/[\n\t]+/g, ' ');
}

/** @param begin where it begins to write out; what is before it decides what is kept after it. */
function from(text: string, begin: number): string {
  const written = text.replace(IN_ANSWER, (found: string, flag?: string, lineEnd?: string, at?: number) => {
    if (flag !== undefined || (at ?? 0) < begin) return found;
    return lineEnd === undefined ? escaped(found) : '';
  });
  return begin === 0 ? written : written.slice(begin);
}

/** What decides on characters that come later. Code units. */
const CONTEXT = 16;
/** What only its successor decides on: half a character, the beginning of a flag, and what joins, or ends a line. */
const UNDECIDED =
  /(?:(?<=\u{1f3f4})[\u{e0061}-\u{e007a}]{1,5}|\u200d)?[\ud800-\udbff]$|(?<=\u{1f3f4})[\u{e0061}-\u{e007a}]{1,5}$|(?:\r|\u200d|\ufe0f)$/u;

/** A streamed answer: what {@link visibleAnswer} makes of the whole, however it was cut. */
export class VisibleAnswer {
  #before = '';
  #held = '';

  /** @returns what can be shown of it by now. Of what it keeps for the next one, there is nothing to see. */
  next(delta: string): string {
    const text = this.#held + delta;
    const undecided = UNDECIDED.exec((this.#before + text).slice(-CONTEXT))?.[0] ?? '';
    this.#held = text.slice(text.length - Math.min(undecided.length, text.length));
    return this.#take(text.slice(0, text.length - this.#held.length));
  }

  /** Nothing follows for now. @returns what it still keeps. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return this.#take(held);
  }

  #take(text: string): string {
    const before = this.#before;
    if (text !== '') this.#before = whole((before + text).slice(-CONTEXT));
    return from(before + text, before.length);
  }
}

/** Without the half of a character at its beginning. */
function whole(text: string): string {
  return /^[\udc00-\udfff]/u.test(text) ? text.slice(1) : text;
}
