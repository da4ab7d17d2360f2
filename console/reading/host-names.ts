/**
 * In the place of `punycode.js`, which comes without its licence: the browser knows host names as well. They stay in ASCII
 * where they are shown, so that none looks like another.
 */
export default {
  /** @throws {TypeError} where it is none. */
  toASCII: (host: string): string => new URL(`http://${host}`).hostname,
  toUnicode: (host: string): string => host,
};
