/** The innermost active states of a snapshot's value, nested ones as `a.b`. */
export function statePaths(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix + value];
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) => {
    const path = `${prefix}${name}`;
    const deeper = statePaths(inner, `${path}.`);
    return deeper.length === 0 ? [path] : deeper;
  });
}
