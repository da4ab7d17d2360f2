import { request } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { type BrokerOptions, createBroker, type TlsOptions } from '../../broker.ts';
import { Authority, type Issued } from '../support/certificates.ts';

/** A broker whose port speaks TLS, until the test ends. */
export async function startSecured(
  tls: Partial<TlsOptions> = {},
  options: BrokerOptions = {},
  authority = new Authority(),
) {
  const own = authority.server();
  const broker = createBroker({ ...options, limits: { metricsMaxAgeMs: 0, ...options.limits } });
  onTestFinished(() => broker.close());
  const { cert, key } = own;
  const address = await broker.listen({ port: 0, tls: { cert, key, ...tls } });
  return { authority, own, broker, address, port: address.port as number, ca: authority.cert };
}

/** One that asks clients for certificates of its own authority. */
export function startAsking(
  clientAuth: 'request' | 'require',
  tls: Partial<TlsOptions> = {},
  options: BrokerOptions = {},
) {
  const authority = new Authority();
  return startSecured({ clientAuth, ca: authority.cert, ...tls }, options, authority);
}

/** The HTTP answer over TLS. */
export function get(port: number, path: string, options: ConnectionOptions & { headers?: Record<string, string> }) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

/** What a client shows. */
export const pair = ({ cert, key }: Issued) => ({ cert, key });
