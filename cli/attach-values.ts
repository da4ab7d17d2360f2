import { InvalidArgumentError } from 'commander';

/** A number as such; anything else is left to the check of the settings, which says what it takes. */
export const number = (text: string): number | string => (/^\d{1,15}$/.test(text) ? Number(text) : text);

/** `NAME=VALUE`, repeatable. */
export function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It takes NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
