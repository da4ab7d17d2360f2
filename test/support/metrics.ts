import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Broker } from '../../broker.ts';

/** What `GET /metrics` answers, over real HTTP. */
export async function scrape(broker: Broker): Promise<string> {
  const server = createServer((request, response) => broker.handleRequest(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
    return await response.text();
  } finally {
    server.close();
  }
}

/** The values of one metric by its label, those that are not zero. */
export async function readMetric(broker: Broker, name: string): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const [, label, value] of (await scrape(broker)).matchAll(
    new RegExp(`^switchboard_${name}(?:\\{\\w+="([^"]*)"\\})? (\\S+)$`, 'gm'),
  )) {
    if (Number(value) !== 0) values[label ?? ''] = Number(value);
  }
  return values;
}

/** How many frames went nowhere, by reason. */
export const readDrops = (broker: Broker): Promise<Record<string, number>> => readMetric(broker, 'drops_total');
