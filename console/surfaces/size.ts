import type { JsonObject } from '../../protocol/json.ts';

/** Elements that a surface may have when it is drawn. */
export const MAX_ELEMENTS = 3_000;
/** How deep they may stand in one another. */
export const MAX_DEPTH = 60;

/** Components by their ids, and the data that their templates repeat over. */
interface Drawable {
  readonly components: readonly JsonObject[];
  readonly dataModel: unknown;
}

/**
 * Why a surface is not drawn: components may contain themselves, or one another so often that few of them make
 * millions of elements, and the page would stand still. Undefined where it can be drawn.
 */
export function tooMuch({ components, dataModel }: Drawable): string | undefined {
  const byId = new Map(components.map((component) => [component.id, component]));
  let elements = 0;

  const walk = (id: unknown, base: string, depth: number): string | undefined => {
    const component = byId.get(id as string);
    if (!component) return undefined;
    elements += 1;
    if (elements > MAX_ELEMENTS) return `it has more than ${MAX_ELEMENTS.toLocaleString('en-US')} elements`;
    if (depth > MAX_DEPTH) return 'its components contain themselves, or stand too deep in one another';
    for (const [child, at] of childrenOf(component, base)) {
      const problem = walk(child, at, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

  function* childrenOf(component: JsonObject, base: string): Generator<[id: unknown, base: string]> {
    const { child, trigger, content, children, tabs } = component;
    for (const id of [child, trigger, content]) yield [id, base];
    if (Array.isArray(tabs)) for (const tab of tabs) yield [(tab as JsonObject | null)?.child, base];
    if (Array.isArray(children)) for (const id of children) yield [id, base];
    else if (typeof children === 'object' && children !== null) {
      const { componentId, path } = children as JsonObject;
      const list = `${path}`.startsWith('/') ? `${path}` : `${base}/${path}`;
      const items = valueAt(dataModel, list);
      if (Array.isArray(items)) for (const index of items.keys()) yield [componentId, `${list}/${index}`];
    }
  }

  return walk('root', '', 0);
}

/** What stands at a JSON pointer. */
function valueAt(root: unknown, path: string): unknown {
  let value = root;
  for (const segment of path.split('/').filter(Boolean)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return value;
}
