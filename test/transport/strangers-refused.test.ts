import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBroker, type Logger } from '../../broker.ts';
import { ConnectionError, connectHost } from '../../client/node.ts';
import { adviceOn, Strangers } from '../../transport/strangers.ts';
import { readMetric } from '../support/metrics.ts';
import { http, startListening, upgradeHeaders } from './socket-client.ts';

/* Who is turned away by Host and Origin, and who is told (wire.md section 1). */

function keptLog() {
  const lines: [fields: object, message: string][] = [];
  const ignore = () => {};
  const log: Logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (fields: object, message?: string) => void lines.push([fields, message ?? '']),
  };
  return { lines, log };
}

describe('a refused origin or host', () => {
  test('when they come again and again › then each reason is told once, with what to do, and all are counted', async () => {
    const { lines, log } = keptLog();
    const { broker, port } = await startListening({ log });
    for (let n = 0; n < 3; n += 1) {
      await http(port, '/', { headers: upgradeHeaders({ Origin: 'https://app.example' }) });
      await http(port, '/metrics', { headers: { Host: 'chat.example:8080' } });
      await http(port, '/', { headers: { 'Sec-Fetch-Site': 'cross-site' } });
    }
    expect(lines).toEqual([
      [{ origin: 'https://app.example', count: 1 }, expect.stringContaining('--allow-origin https://app.example')],
      [{ host: 'chat.example:8080', count: 1 }, expect.stringMatching(/--allow-host chat\.example /)],
      [{ count: 1 }, expect.stringContaining('another site')],
    ]);
    expect(await readMetric(broker, 'strangers_refused_total')).toEqual({ origin: 3, host: 3, site: 3 });
  });

  test('when a minute has passed › then it is told again, with how many there were', () => {
    let now = 0;
    const told: unknown[] = [];
    const strangers = new Strangers(
      (...args) => told.push(args),
      () => now,
    );
    const refuse = (value: string) => strangers.refuse({ status: 403, message: '', reason: 'origin', value });
    refuse('a');
    for (now = 1; now < 60_000; now += 10_000) refuse('b');
    now = 60_000;
    refuse('x'.repeat(1_000));
    expect(told).toEqual([
      ['origin', 'a', 1],
      ['origin', 'x'.repeat(256), 7],
    ]);
  });

  test('when it is no origin at all › then the advice does not repeat it', () => {
    expect(adviceOn('origin', 'https://a; rm -rf ~')).toContain('--allow-origin ORIGIN');
  });
});

describe('a person who is refused', () => {
  const html = { Accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };

  test('when their browser asks for a page › then it says what to do, and needs nothing but itself', async () => {
    const { port } = await startListening();
    for (const path of ['/', '/assets/x.js']) {
      const { status, headers, body } = await http(port, path, { headers: { ...html, Host: 'chat.example:8080' } });
      expect({ status, type: headers['content-type'] }).toEqual({ status: 403, type: 'text/html; charset=utf-8' });
      expect(body).toContain('--allow-host chat.example --allow-origin');
      expect(body).not.toMatch(/\b(src|href)=/);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      for (const name of ['script', 'style']) {
        const [, text = ''] = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(body) ?? [];
        expect(policy).toContain(`${name}-src 'sha256-${createHash('sha256').update(text).digest('base64')}'`);
      }
    }
  });

  test('when what they came with is markup, or cannot be seen › then it is shown as text, and stands in no command', async () => {
    const { port } = await startListening();
    const { body } = await http(port, '/', { headers: { ...html, Host: '<b onclick="x">&\u00ad' } });
    expect(body).toContain('&lt;b onclick=&quot;x&quot;&gt;&amp;\\u00ad');
    expect(body).toContain('--allow-host HOST');
    expect(body).not.toContain('<b ');
  });

  test('when a program asks › then the reason in one line, as ever', async () => {
    const { port } = await startListening();
    for (const headers of [{}, { Accept: '*/*' }, { Accept: 'application/json' }]) {
      const answer = await http(port, '/', { headers: { ...headers, Host: 'chat.example' } });
      expect(answer).toMatchObject({ status: 403, body: 'Host not allowed\n' });
    }
    const posted = await http(port, '/', { method: 'POST', headers: { ...html, Host: 'chat.example' } });
    expect(posted.body).toBe('Host not allowed\n');
  });
});

describe('allowedHosts', () => {
  test('when Host names one, with any port and in any case › then it is served, and nobody else', async () => {
    const { port } = await startListening({ allowedHosts: ['Chat.example', '[2001:db8::1]'] });
    for (const Host of ['chat.example', 'CHAT.example:8443', '[2001:db8::1]:80', 'localhost']) {
      expect((await http(port, '/healthz', { headers: { Host } })).status).toBe(200);
      expect((await http(port, '/', { headers: upgradeHeaders({ Host }) })).status).toBe(101);
    }
    for (const Host of ['x.chat.example', 'chat.example.evil', 'chat.example:1:2']) {
      expect((await http(port, '/healthz', { headers: { Host } })).status).toBe(403);
    }
  });

  test.each(['https://chat.example', 'chat.example:80', 'a/b', '', '::1'])('%j › then createBroker throws', (host) => {
    expect(() => createBroker({ allowedHosts: [host] })).toThrow(TypeError);
  });
});

describe('the SDK', () => {
  test('when it is refused with 403 › then the error says so, with the body, and that to try again is no use', async () => {
    const { port, broker } = await startListening();
    const server = createServer().on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 17\r\n\r\nHost not allowed\n');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await connectHost({ url, token: broker.tokens.daemon }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ status: 403, retryable: false, url });
    expect((error as Error).message).toMatch(/refused the connection with 403: Host not allowed$/);
    expect(port).toBeGreaterThan(0);
  });
});

describe('broker.listen › without a host', () => {
  test('then both loopback addresses answer on one port, and the address is 127.0.0.1', async () => {
    const { address, port } = await startListening();
    expect(address).toMatchObject({ url: `ws://127.0.0.1:${port}`, host: '127.0.0.1' });
    for (const host of ['127.0.0.1', '[::1]']) {
      expect((await fetch(`http://${host}:${port}/healthz`)).status).toBe(200);
    }
  });

  test('when the port is taken in one family only › then EADDRINUSE, and nothing of it listens', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, '::1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const broker = createBroker();
    onTestFinished(() => broker.close());
    await expect(broker.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE', address: '::1' });
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  test('when a host is named › then that one alone', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    const { port } = await broker.listen({ host: '127.0.0.1', port: 0 });
    await expect(fetch(`http://[::1]:${port}/healthz`)).rejects.toThrow();
  });
});
