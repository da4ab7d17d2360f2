import { describe, expect, it } from 'vitest';
import { FORWARDED } from '../../transport/http.ts';
import { PAGES, page } from './support.ts';

/** Without its comments. */
const read = (path: string) => page(path).replace(/^\s*#.*$/gm, '');

/** What stands in the braces behind a word. */
function blocksOf(text: string, opening: RegExp): string[] {
  return [...text.matchAll(opening)].map(({ index, 0: word }) => {
    let depth = 1;
    let end = index + word.length;
    for (; depth > 0 && end < text.length; end += 1) depth += text[end] === '{' ? 1 : text[end] === '}' ? -1 : 0;
    return text.slice(index + word.length, end - 1);
  });
}

describe('docs/proxies.md', () => {
  it('has no second configuration beside those of deploy/, and no other page has one', () => {
    for (const name of PAGES) expect(page(name), name).not.toMatch(/^\s*(proxy_pass|reverse_proxy|handle_path) /m);
  });

  it('names every header by which the broker knows that somebody comes through a proxy', () => {
    for (const name of FORWARDED) expect(page('docs/proxies.md').toLowerCase()).toContain(`\`${name}\``);
  });
});

// Else everybody is on this machine to the broker, and is shown what is for this machine alone.
describe('a configuration of a proxy › tells the broker whom it asks for', () => {
  it('nginx › in each place that passes something on', () => {
    const places = blocksOf(read('deploy/nginx.conf'), /\blocation[^{]*\{/g).filter((text) =>
      text.includes('proxy_pass '),
    );
    expect(places).not.toHaveLength(0);
    for (const place of places) {
      const names = [...place.matchAll(/\bproxy_set_header\s+(\S+)\s+(\$\w+);/g)].map(([, name]) =>
        name?.toLowerCase(),
      );
      expect(FORWARDED).toContain(names.find((name) => FORWARDED.includes(name ?? '')));
    }
  });

  it('Caddy › which does by itself, unless it is told not to', () => {
    const places = blocksOf(read('deploy/Caddyfile'), /\breverse_proxy[^{]*\{/g);
    expect(places).not.toHaveLength(0);
    for (const place of places) expect(place).not.toMatch(/header_up\s+-?(x-forwarded|forwarded|via|x-real|-)/i);
  });
});
