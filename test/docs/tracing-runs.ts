import { expect } from 'vitest';
import type { Broker } from '../../broker.ts';
import { connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { startCollector } from '../support/collector.ts';
import { runSnippet } from './support.ts';

type Scene = () => Promise<{ broker: Broker; url: string; token(id: string): string }>;

/** How the programs of docs/tracing.md are run. */
export const tracingRuns = (scene: Scene) => ({
  async 'tracing-agent'() {
    const { broker, url, token } = await scene();
    const host = await connectHost({ url, token: broker.tokens.daemon });
    own(() => host.close());
    const events = await host.subscribe();
    await host.tool('look_up', {}, (args) => `found ${(args as { what: string }).what}`);
    const stop = new AbortController();
    const env = { SWITCHBOARD_URL: url, SWITCHBOARD_AGENT_TOKEN: token('my-agent') };
    const program = runSnippet('tracing-agent', { env, signal: stop.signal }).catch((error: unknown) => error);
    own(async () => {
      stop.abort();
      await program;
    });
    for await (const { kind } of events) if (kind === 'agent.attached') break;
    expect(await host.chat('my-agent', 'keys').text()).toBe('found keys');
  },

  async 'tracing-embed'() {
    const collector = await startCollector();
    expect(await runSnippet('tracing-embed', { env: { COLLECTOR: collector.url } })).toEqual(['']);
    expect(collector.reports.at(-1)?.length).toBeGreaterThan(20);
  },
});
