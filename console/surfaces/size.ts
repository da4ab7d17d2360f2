import { isObject, type JsonObject } from '../../protocol/json.ts';
import { shownSize } from './shown-size.ts';

/** Elements that a surface may have when it is drawn. */
export const MAX_ELEMENTS = 3_000;
/** Characters that they may show, all together. */
export const MAX_SHOWN = 1_000_000;
/** How deep they may stand in one another. */
export const MAX_DEPTH = 60;

/** Components by their ids, and the data that they show and their templates repeat over. */
interface Drawable {
  readonly components: readonly JsonObject[];
  readonly dataModel: unknown;
  readonly theme?: unknown;
}

/**
 * Why a surface is not drawn: components may contain themselves, or one another, or be bound to one long text, so often
 * that few of them make millions of elements or characters, and the page would stand still. Undefined where it can be drawn.
 */
export function tooMuch({ components, dataModel, theme }: Drawable): string | undefined {
  const byId = new Map(components.map((component) => [component.id, component]));
  // Each element is given its color.
  const ofTheme = isObject(theme) ? String(theme.primaryColor ?? '').length : 0;
  let elements = 0;
  let shown = 0;

  const walk = (id: unknown, base: string, depth: number): string | undefined => {
    // Before it is looked up: a child that no component has is one that the renderer waits for.
    elements += 1;
    const component = byId.get(id as string);
    // An option is an element too.
    if (component && Array.isArray(component.options)) elements += component.options.length;
    if (elements > MAX_ELEMENTS) return `it has more than ${MAX_ELEMENTS.toLocaleString('en-US')} elements`;
    if (!component) return undefined;
    if (depth > MAX_DEPTH) return 'its components contain themselves, or stand too deep in one another';
    shown += ofTheme + shownSize(component, (path) => valueAt(dataModel, resolve(path, base)));
    if (shown > MAX_SHOWN) return `it shows more than ${MAX_SHOWN.toLocaleString('en-US')} characters`;
    for (const [child, at] of childrenOf(component, base)) {
      const problem = walk(child, at, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

  function* childrenOf(component: JsonObject, base: string): Generator<[id: unknown, base: string]> {
    const { child, trigger, content, children, tabs } = component;
    for (const id of [child, trigger, content]) if (id !== undefined) yield [id, base];
    if (Array.isArray(tabs)) for (const tab of tabs) yield [(tab as JsonObject | null)?.child, base];
    if (Array.isArray(children)) for (const id of children) yield [id, base];
    else if (typeof children === 'object' && children !== null) {
      const { componentId, path } = children as JsonObject;
      const list = resolve(`${path}`, base);
      const items = valueAt(dataModel, list);
      if (Array.isArray(items)) for (const index of items.keys()) yield [componentId, `${list}/${index}`];
    }
  }

  return walk('root', '', 0);
}

/** A path as the renderer reads it at a template's item. */
function resolve(path: string, base: string): string {
  if (path.startsWith('/')) return path;
  return path === '' || path === '.' ? base : `${base}/${path}`;
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
