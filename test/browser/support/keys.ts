import type { Page } from 'playwright-core';
import { connectHost } from '../../../client/node.ts';
import { own } from '../../e2e/support/cleanup.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';

/** The row of a key in the list. */
export const row = (page: Page, name: string) =>
  page.getByRole('table', { name: 'Keys' }).getByRole('row').filter({ hasText: name });
/** The form for a new one. */
export const form = (page: Page) => page.getByRole('form', { name: 'A new key' });
/** The secret of the one that was just made. */
export const secret = (page: Page) => page.locator('.secret code');

/** Fills the form in with a name, and sends it. */
export async function make(page: Page, name: string): Promise<void> {
  await form(page).getByLabel('Name', { exact: true }).fill(name);
  await form(page).getByRole('button', { name: 'Make the key' }).click();
}

/** The daemon's management, as a program has it. */
export async function manager(daemon: Daemon) {
  const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
  own(() => host.close());
  return host;
}
