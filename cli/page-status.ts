import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ClientTlsOptions } from '../client/node.ts';

/**
 * The HTTP status of a page; `fetch` takes no certificates.
 * @throws {Error} Node's own: it cannot be reached, or its certificate is not believed. Also where it takes longer.
 */
export function statusOf(page: string, tls: ClientTlsOptions | undefined, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method: 'HEAD', agent: false, signal: AbortSignal.timeout(timeoutMs) } as const;
    const isSecure = page.startsWith('https:');
    const { ca, cert, key } = tls ?? {};
    const shown = { ...(ca && { ca: [ca].flat() as (string | Buffer)[] }), ...(cert && { cert }), ...(key && { key }) };
    const sent = isSecure ? requestHttps(page, { ...options, ...shown }) : requestHttp(page, options);
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}
