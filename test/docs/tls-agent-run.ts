import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createBroker } from '../../broker.ts';
import { connectHost } from '../../client/node.ts';
import { own } from '../e2e/support/cleanup.ts';
import { page, projectDirectory, runSnippet } from './support.ts';

/** An agent that comes by its certificate, as `docs/tls.md` makes and uses one. */
export async function tlsAgentRun(): Promise<void> {
  const directory = projectDirectory();
  const make = /^An authority for a test[\s\S]*?```sh\n([\s\S]*?)```/m.exec(page('docs/tls.md'))?.[1] ?? '';
  execFileSync('bash', ['-e'], { input: make, cwd: directory, stdio: ['pipe', 'ignore', 'pipe'] });
  const read = (name: string) => readFileSync(join(directory, name));
  const broker = createBroker();
  own(() => broker.close());
  const tls = { cert: read('broker.pem'), key: read('broker.key'), ca: read('ca.pem') };
  const agents = { clientAuth: 'request', agentSan: 'switchboard:agent:' } as const;
  const { url } = await broker.listen({ port: 0, tls: { ...tls, ...agents } });
  const stop = new AbortController();
  own(() => stop.abort());
  await new Promise<void>((resolve, reject) => {
    const onLine = (line: string) => line === 'attached' && resolve();
    const options = { cwd: directory, env: { SWITCHBOARD_URL: url }, signal: stop.signal, onLine };
    runSnippet('tls-agent', options).catch(reject);
  });
  const host = await connectHost({ url, token: broker.tokens.daemon, tls: { ca: tls.ca } });
  own(() => host.close());
  expect(await host.chat('writer', 'snow').text()).toBe('about snow');
}
