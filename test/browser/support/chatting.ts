import type { Locator, Page } from 'playwright-core';
import { type Agent, connectHost, connectAgent as connectSdkAgent, type OnChat } from '../../../client/node.ts';
import { own } from '../../e2e/support/cleanup.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';

/** Attaches an agent of the test's own. */
export async function attach(daemon: Daemon, agentId: string, onChat: OnChat): Promise<Agent> {
  const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens.host });
  const { token = '' } = await host.agents.upsert({ id: agentId });
  await host.close();
  const agent = await connectSdkAgent({ url: daemon.url, agentId, token, onChat });
  own(() => agent.close());
  return agent;
}

/** What an agent waits for until the test gives it. */
export function signal(): { given: Promise<void>; give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

/** The chat that stands so many places from the left. */
export const chat = (page: Page, place = 0) => page.getByRole('article').nth(place);
export const said = (pane: Locator) => pane.getByRole('log');

export async function say(pane: Locator, prompt: string): Promise<void> {
  await ready(pane);
  const box = pane.getByRole('textbox', { name: 'Message' });
  await box.fill(prompt);
  await box.press('Enter');
}

/** The page knows its agent, and no turn runs. */
export const ready = (pane: Locator) => pane.getByRole('button', { name: 'Send', disabled: false }).waitFor();
