const REGION = /(<!-- generated:([\w.:/-]+) -->)([\s\S]*?)(<!-- \/generated -->)/g;

/**
 * Fills the regions between `<!-- generated:NAME -->` and `<!-- /generated -->` of a page, and leaves the rest alone.
 * @throws {Error} where a region has no content, a content no region, or a marker no partner.
 */
export function fillRegions(page: string, contents: ReadonlyMap<string, string>): string {
  const unused = new Set(contents.keys());
  const filled = page.replaceAll(REGION, (_whole, open: string, name: string, _old, close: string) => {
    const content = contents.get(name);
    if (content === undefined) throw new Error(`nothing is generated for the region ${name}`);
    unused.delete(name);
    return `${open}\n\n${content.trim()}\n\n${close}`;
  });
  if (unused.size > 0) throw new Error(`no region for ${[...unused].join(', ')}`);
  const count = (marker: string) => page.split(marker).length - 1;
  if (count('<!-- generated:') !== count('<!-- /generated -->')) throw new Error('a region is not closed');
  return filled;
}
