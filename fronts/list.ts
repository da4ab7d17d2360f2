import type { FrontPlace } from './core/front.ts';
import type { FrontsOptions } from './options.ts';

/** Every front that there is, by its name. A front is a line here, and a folder. */
export const FRONTS: Readonly<Record<string, FrontPlace>> = {
  openai: { path: '/v1', isDefault: true, open: async () => (await import('./openai/front.ts')).openAiFront },
  'ag-ui': { path: '/ag-ui', isDefault: true, open: async () => (await import('./ag-ui/front.ts')).agUiFront },
  'ai-sdk': { path: '/ai', isDefault: true, open: async () => (await import('./ai-sdk/front.ts')).aiSdkFront },
  acp: { path: '/acp', isDefault: true, hasSockets: true, open: async () => (await import('./acp/front.ts')).acpFront },
  // Its cards are public.
  a2a: {
    path: '/a2a',
    isDefault: false,
    aliases: cardAtRoot,
    open: async () => (await import('./a2a/front.ts')).a2aFront,
  },
};

/** The card of an agent where whoever knows the daemon's name alone looks for one. */
function cardAtRoot({ a2a }: FrontsOptions): Readonly<Record<string, string>> {
  const card = '/.well-known/agent-card.json';
  return a2a?.root === undefined ? {} : { [card]: `/${encodeURIComponent(a2a.root)}${card}` };
}

/**
 * What is wrong with a list of fronts as a person writes it, if anything is: a name, several, or `all` or `none` alone.
 */
export function faultOfFronts(names: readonly string[]): string | undefined {
  if (names.length > 1 && names.some((name) => name === 'all' || name === 'none')) return 'all and none stand alone';
  const unknown = names.find((name) => name !== 'all' && name !== 'none' && !Object.hasOwn(FRONTS, name));
  return unknown === undefined ? undefined : `there is no front ${JSON.stringify(unknown.slice(0, 64))}`;
}

/** The fronts that such a list means. */
export function frontsNamed(names: readonly string[]): string[] {
  if (names.includes('all')) return Object.keys(FRONTS);
  return names.includes('none') ? [] : [...new Set(names)];
}

/** Those that are served unless somebody says which. */
export const DEFAULT_FRONTS: readonly string[] = Object.keys(FRONTS).filter((name) => FRONTS[name]?.isDefault);
