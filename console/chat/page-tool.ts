import type { Host, HostTool } from '../../client/browser.ts';

/** The tool's name. */
export const PAGE_TOOL = 'page_clock';

/** Whose turns run and may call it. */
const users = new Set<object>();
/** One after the other: what is offered while it is being taken back is offered after that. */
let last: Promise<void> = Promise.resolve();
/** The tool, for as long as the SDK's host lives: that one brings it back after a lost connection. */
let registered: Promise<HostTool> | undefined;

/**
 * Offers agents the one tool that this page has, or takes it back; it counts from the next turn on. It is one for all
 * chats, so it is not taken back while the turn of another one may call it.
 * @param user whose turn begins; {@link releasePageTool} when that is over.
 */
export function offerPageTool(host: Host, user: object, wanted: boolean): Promise<void> {
  if (wanted) users.add(user);
  const done = last.then(() => (!wanted && users.size > 0 ? undefined : offer(host, wanted)));
  last = done.catch(() => {});
  return done;
}

/** The turn of one who may have used it is over. */
export function releasePageTool(user: object): void {
  users.delete(user);
}

async function offer(host: Host, wanted: boolean): Promise<void> {
  const before = registered;
  if (wanted === (before !== undefined)) return void (await before);
  if (before) {
    registered = undefined;
    return (await before).unregister();
  }
  const description = "The time on the clock of the person's browser, and its time zone.";
  const tool = host.tool(PAGE_TOOL, { description }, () => ({
    time: new Date().toISOString(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }));
  registered = tool;
  const forget = () => {
    if (registered === tool) registered = undefined;
  };
  // A refused tool may be offered again, as one may to another host.
  tool.catch(forget);
  void host.closed.then(forget);
  await tool;
}
