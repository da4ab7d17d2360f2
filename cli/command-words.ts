import { InvalidArgumentError } from 'commander';

/**
 * A command line in words, as a shell would read it: by white space, quotes keep it, a backslash keeps what follows. Nothing is
 * expanded, and no shell runs it.
 * @throws {InvalidArgumentError} there is no word, or a quote is open at the end.
 */
export function commandWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '\\' && quote !== "'" && at + 1 < line.length) {
      at += 1;
      // Inside quotes it keeps only what would mean something there, as in a shell.
      const next = line.charAt(at);
      word = (word ?? '') + (quote === undefined || next === quote || next === '\\' ? '' : '\\') + next;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) throw new InvalidArgumentError(`A quote (${quote}) is open at its end.`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new InvalidArgumentError('It takes a command, like "npx some-mcp-server".');
  return words;
}
