import { visible } from '../../protocol/visible.ts';

/** Somebody else's text where the page speaks itself: what cannot be seen is written out, and it is cut. */
export function shown(text: string, most = 300): string {
  return text.length > most ? `${visible(text.slice(0, most))}…` : visible(text);
}

/** An address of the web as it is opened, and so as it is shown; undefined where it is none, scripts and files above all. */
export function webAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  // Of use to nobody but who wants another host to be read in them.
  url.username = '';
  url.password = '';
  return url.href;
}
