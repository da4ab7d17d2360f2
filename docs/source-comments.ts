const MEMBER = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+): /g;

/**
 * The TSDoc comments of an object literal's members, by member, from its source text: what a limit or a close code
 * means is said where it is declared, and nowhere else. References to the wire contract lose its file name, because
 * `docs/protocol.md` has the same sections.
 */
export function memberComments(source: string): ReadonlyMap<string, string> {
  const found = [...source.matchAll(MEMBER)].map(([, comment = '', name = '']) => [name, plain(comment)] as const);
  return new Map(found);
}

/** What a file says of itself, in the `/*` comment below its imports. */
export function openingComment(source: string): string | undefined {
  const [, comment] = /^\/\*(?!\*)((?:(?!\*\/)[\s\S])*)\*\//m.exec(source) ?? [];
  return comment === undefined ? undefined : plain(comment);
}

function plain(comment: string): string {
  return comment
    .replaceAll(/\s*\n\s*\*?\s*/g, ' ')
    .replaceAll('`wire.md` section', 'section')
    .trim();
}
