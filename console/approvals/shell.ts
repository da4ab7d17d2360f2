/** What needs no quotes in a shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A program and its arguments as one would type them, so that where one argument ends can be seen. */
export function typed(argv: readonly string[]): string {
  return argv.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
