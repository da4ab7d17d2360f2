import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { own } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { DIST } from './support/program.ts';

/** Every module that a built file loads, directly or not: ours by their paths, others by their names. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  const source = readFileSync(file, 'utf8');
  const pattern = /^(?:import|export)\b[^;=(]*?['"]([^'"]+)['"];$|\b(?:import|require)\(\s*['"]([^'"]+)['"]/gm;
  for (const [, from, dynamic] of source.matchAll(pattern)) {
    const name = from ?? dynamic ?? '';
    const found = name.startsWith('.') ? resolve(dirname(file), name) : name;
    if (seen.has(found)) continue;
    seen.add(found);
    if (found !== name) importsOf(found, seen);
  }
  return seen;
}

const outside = (file: string) => [...importsOf(resolve(DIST, file))].filter((name) => !name.startsWith('/'));

describe('the built SDK for browsers', () => {
  it('loads nothing of Node’s, and no package', () => {
    expect(outside('client/browser.js')).toEqual([]);
    expect([...importsOf(resolve(DIST, 'client/browser.js'))]).toContain(resolve(DIST, 'client/peer.js'));
    // The same look at the other entry finds what it is meant to find.
    expect(outside('client/node.js').filter((name) => builtinModules.includes(name.replace('node:', '')))).not.toEqual(
      [],
    );
  });

  it('chats over the native WebSocket', async () => {
    // Node has none of its own before 22; the one of `ws` has the same interface.
    const native = globalThis.WebSocket;
    globalThis.WebSocket = WebSocket as unknown as typeof native;
    own(() => {
      globalThis.WebSocket = native;
    });
    const { connectAgent, connectHost } = await import('../../dist/client/browser.js');
    const daemon = await startDaemon();
    const { url } = daemon;
    const agent = await connectAgent({
      url,
      agentId: 'a',
      token: await daemon.register('a'),
      onChat: async ({ prompt }) => `<${prompt}>`,
    });
    own(() => agent.close());
    const host = await connectHost({ url, token: daemon.tokens.daemon });
    own(() => host.close());
    expect(await host.chat('a', 'hi').text()).toBe('<hi>');
  });
});
