import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createBroker } from '../../broker.ts';
import { chooseEncoding } from '../../transport/page-files.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { bytes, http, startListening } from './socket-client.ts';

const SCRIPT = 'export const answer = 42;\n'.repeat(100);

/** A broker that serves a small console of the test's own. */
async function startConsole({ inspect = false, inspectorUrl = 'https://inspector.example:8443/x?a=1&b="2"' } = {}) {
  const directory = temporaryDirectory();
  for (const folder of ['assets', 'inspect']) mkdirSync(join(directory, folder));
  const put = (name: string, text: string) => writeFileSync(join(directory, name), text);
  put('index.html', '<html><head></head><body>the console</body></html>');
  put('inspect/stately.html', '<html><head></head><body>the frame</body></html>');
  put('assets/index-AbC1.js', SCRIPT);
  put('assets/index-AbC1.css', 'body {}');
  put('assets/notes.txt', 'not a type of ours');
  put('secret.js', 'secret');
  return { directory, put, ...(await startListening({ inspect, console: { directory, inspectorUrl } })) };
}

describe('GET / › when the console is built', () => {
  test('then it is a page that may load and be framed by nothing else, and that nobody keeps', async () => {
    const { port } = await startConsole();
    const { status, headers, body } = await http(port, '/');
    expect({ status, body }).toEqual({ status: 200, body: '<html><head></head><body>the console</body></html>' });
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['permissions-policy']).toContain('camera=()');
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(policy).toContain("form-action 'none'");
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${port} wss://127.0.0.1:${port}`);
    expect(policy.join()).not.toContain('unsafe');
    expect(policy.join()).not.toContain('frame-src');
  });

  test('and a script stands in it › then that one may run, by what it says, and no other', async () => {
    const { port, put } = await startConsole();
    const script = '\n  addEventListener("error", () => {}, true);\n';
    put('index.html', `<html><head><script>${script}</script></head></html>`);
    const policy = String((await http(port, '/')).headers['content-security-policy']).split('; ');
    const hash = createHash('sha256').update(script).digest('base64');
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}'`);
  });

  test('and it is asked with a query, as a link may have one › then it is the same page', async () => {
    const { port } = await startConsole();
    expect((await http(port, '/?x=1')).status).toBe(200);
  });

  test('and it is built anew › then the new one is served', async () => {
    const { port, put } = await startConsole();
    expect((await http(port, '/')).body).toContain('the console');
    put('index.html', 'the new console');
    expect((await http(port, '/')).body).toBe('the new console');
  });

  test('with HEAD › then the head of GET, an asset’s too', async () => {
    const { port } = await startConsole();
    for (const path of ['/', '/assets/index-AbC1.js']) {
      const [get, head] = await Promise.all([http(port, path), http(port, path, { method: 'HEAD' })]);
      expect(head).toMatchObject({ status: 200, body: '' });
      const { date: _date, ...same } = get.headers;
      expect(head.headers).toMatchObject(same);
    }
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('with %s › then 405', async (method) => {
    const { port } = await startConsole();
    for (const path of ['/', '/assets/index-AbC1.js', '/inspect/stately']) {
      expect(await http(port, path, { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    }
  });
});

describe('an asset of the console › when it is asked for', () => {
  test.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
  ] as const)(
    'by one that takes %s › then it comes as %s, and is kept for ever',
    async (accepted, encoding, unpack) => {
      const { port } = await startConsole();
      const headers = { 'Accept-Encoding': accepted };
      // The second one is served from what the first has left.
      for (let time = 1; time <= 2; time++) {
        const answer = await bytes(port, '/assets/index-AbC1.js', { headers });
        expect(answer.headers).toMatchObject({
          'content-type': 'text/javascript; charset=utf-8',
          'content-encoding': encoding,
          'content-length': String(answer.body.length),
          'cache-control': 'public, max-age=31536000, immutable',
          'x-content-type-options': 'nosniff',
          vary: 'accept-encoding',
        });
        expect(answer.body.length).toBeLessThan(SCRIPT.length / 10);
        expect(unpack(answer.body).toString()).toBe(SCRIPT);
      }
    },
  );

  test('by one that takes no packing › then it comes as it is', async () => {
    const { port } = await startConsole();
    const answer = await http(port, '/assets/index-AbC1.js');
    expect(answer.body).toBe(SCRIPT);
    expect(answer.headers).not.toHaveProperty('content-encoding');
    expect((await http(port, '/assets/index-AbC1.css')).headers['content-type']).toBe('text/css; charset=utf-8');
  });

  test('by the page itself, whose module scripts name its origin › then it comes; for another page, 403', async () => {
    const { port } = await startConsole();
    for (const name of ['127.0.0.1', 'localhost']) {
      const own = { Origin: `http://${name}:${port}`, Host: `${name}:${port}` };
      expect((await http(port, '/assets/index-AbC1.js', { headers: own })).status).toBe(200);
    }
    for (const headers of [{ Origin: 'https://evil.example' }, { Host: 'evil.example' }]) {
      for (const path of ['/', '/assets/index-AbC1.js', '/inspect/stately']) {
        expect((await http(port, path, { headers })).status).toBe(403);
      }
    }
  });

  test.each([
    '/assets/',
    '/assets/gone.js',
    '/assets/notes.txt',
    '/assets/../secret.js',
    '/assets/..%2fsecret.js',
    '/assets/%2e%2e/secret.js',
    '/assets/..\\secret.js',
    '/assets/./index-AbC1.js',
    '/assets//index-AbC1.js',
    '/assets/index-AbC1.js/',
    '/assets/index-AbC1.js%00',
    '/secret.js',
    '/index.html',
    '/inspect/stately.html',
    '/inspect/',
    '//',
  ])('%s › then 404', async (path) => {
    const { port } = await startConsole();
    expect(await http(port, path)).toMatchObject({ status: 404, body: 'not found\n' });
  });

  test('and the file goes away between two requests › then 404', async () => {
    const { port, directory } = await startConsole();
    expect((await http(port, '/assets/index-AbC1.js')).status).toBe(200);
    rmSync(join(directory, 'assets/index-AbC1.js'));
    expect((await http(port, '/assets/index-AbC1.js')).status).toBe(404);
  });
});

describe('GET /inspect/stately', () => {
  test('with live statecharts › then a page that may frame the inspector alone, and knows where it is', async () => {
    const { port } = await startConsole({ inspect: true });
    const { status, headers, body } = await http(port, '/inspect/stately');
    expect(status).toBe(200);
    expect(body).toContain('content="https://inspector.example:8443/x?a=1&amp;b=&quot;2&quot;"');
    expect(body).toContain('the frame');
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toContain('frame-src https://inspector.example:8443');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("script-src 'self'");
  });

  test.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'])(
    'asked for through a proxy (%s) › then it is refused: whoever asks may be anywhere',
    async (name) => {
      const { port } = await startConsole({ inspect: true });
      const { status, body } = await http(port, '/inspect/stately', { headers: { [name]: '203.0.113.9' } });
      expect(status).toBe(403);
      expect(body).toContain('own machine alone');
      // The console itself needs a token, and goes through.
      expect((await http(port, '/', { headers: { [name]: '203.0.113.9' } })).status).toBe(200);
    },
  );

  test('without them › then it says how to turn them on', async () => {
    const { port } = await startConsole();
    const { status, body } = await http(port, '/inspect/stately');
    expect(status).toBe(404);
    expect(body).toContain('--inspect');
  });
});

describe('createBroker › its console', () => {
  test('not built › then / says how to build it, and the rest is as ever', async () => {
    const { port } = await startListening({ inspect: true, console: { directory: '/nonexistent' } });
    for (const path of ['/', '/inspect/stately']) {
      const { status, body } = await http(port, path);
      expect(status).toBe(501);
      expect(body).toContain('npm run build');
    }
    expect((await http(port, '/healthz')).status).toBe(200);
    expect((await http(port, '/assets/index.js')).status).toBe(404);
  });

  test('switched off › then there is none', async () => {
    const { port } = await startListening({ inspect: true, console: false });
    for (const path of ['/', '/inspect/stately', '/assets/index.js']) expect((await http(port, path)).status).toBe(404);
  });

  test('with an inspector whose address is none › then it is refused at once', () => {
    expect(() => createBroker({ console: { inspectorUrl: 'javascript:alert(1)' } })).toThrow('inspectorUrl');
  });
});

describe('chooseEncoding', () => {
  test.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['*', 'identity'],
    ['GZIP', 'gzip'],
    ['gzip;q=0.5, br;q=0.1', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['br; q=0.000, gzip;q=0', 'identity'],
    ['brotli, gzipped', 'identity'],
  ])('%s › %s', (accepted, encoding) => {
    expect(chooseEncoding(accepted)).toBe(encoding);
  });
});
