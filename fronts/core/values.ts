/* What an agent says may be anything: what a mapping goes by is looked at first. */

/** A text, which may be empty. */
export const isText = (value: unknown): value is string => typeof value === 'string';

/** A text in which something stands. */
export const isWord = (value: unknown): value is string => isText(value) && value !== '';

/** A whole number from 0 on that JavaScript holds exactly. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
