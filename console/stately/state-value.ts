/** A state as XState writes it: a name, or the names of regions and of what is active in each. */
export type StateValue = string | { [region: string]: StateValue };

interface Tree {
  [name: string]: Tree;
}

/** Active state paths (`a.b`) as one state value. */
export function toStateValue(paths: readonly string[]): StateValue {
  const root: Tree = Object.create(null);
  for (const path of paths) {
    let node = root;
    for (const name of path.split('.')) {
      node[name] ??= Object.create(null) as Tree;
      node = node[name];
    }
  }
  return foldedOf(root);
}

function foldedOf(tree: Tree): StateValue {
  const names = Object.entries(tree);
  const [only] = names;
  if (names.length === 1 && only && Object.keys(only[1]).length === 0) return only[0];
  return Object.fromEntries(names.map(([name, inner]) => [name, foldedOf(inner)]));
}
