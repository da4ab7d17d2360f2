/** The A2A front's own settings. */
export interface A2aOptions {
  /** The agent whose card is the daemon's own, too: `/.well-known/agent-card.json`. Default: none. */
  root?: string | undefined;
  /** What cards say that the daemon is called: an http(s) URL. Default: as whoever asks has called it. */
  publicUrl?: string | undefined;
}

/** What is wrong with a URL that cards are to name, if anything is. */
export function faultOfPublicUrl(url: string): string | undefined {
  if (!URL.canParse(url)) return 'is no URL';
  const { protocol, username, password, search, hash } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return 'is no http(s) URL';
  return username + password + search + hash === '' ? undefined : 'has no user, no query and no fragment';
}
