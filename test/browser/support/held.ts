import type { Page } from 'playwright-core';

/** Answers that are on their way to a page, and do not arrive before the test says so. */
export interface Held {
  /** Resolves once the page has asked. */
  asked: Promise<void>;
  /** Hands over what was held back, and holds nothing back any more. */
  letGo(): void;
}

/** Holds back the answers to one method, on the connections that the page opens from now on. */
export async function holdAnswers(page: Page, method: string): Promise<Held> {
  let isHolding = true;
  let note = () => {};
  const asked = new Promise<void>((resolve) => {
    note = resolve;
  });
  const held: (() => void)[] = [];
  await page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    const ids = new Set<unknown>();
    socket.onMessage((text) => {
      const request = JSON.parse(String(text));
      if (isHolding && request.method === method) {
        ids.add(request.id);
        note();
      }
      server.send(text);
    });
    server.onMessage((text) => {
      const { id } = JSON.parse(String(text));
      if (isHolding && ids.has(id)) held.push(() => socket.send(text));
      else socket.send(text);
    });
  });
  const letGo = () => {
    isHolding = false;
    for (const hand of held.splice(0)) hand();
  };
  return { asked, letGo };
}
