import type { Host, HostTool } from '../../client/browser.ts';

/** The tool's name. */
export const PAGE_TOOL = 'page_clock';

const registered = new WeakMap<Host, Promise<HostTool>>();

/** Offers agents the one tool that this page has, or takes it back; it counts from the next turn on. */
export async function offerPageTool(host: Host, wanted: boolean): Promise<void> {
  const before = registered.get(host);
  if (wanted === (before !== undefined)) return void (await before);
  if (before) {
    registered.delete(host);
    return (await before).unregister();
  }
  const description = "The time on the clock of the person's browser, and its time zone.";
  const tool = host.tool(PAGE_TOOL, { description }, () => ({
    time: new Date().toISOString(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }));
  registered.set(host, tool);
  // A refused tool may be offered again.
  tool.catch(() => registered.delete(host));
  await tool;
}
