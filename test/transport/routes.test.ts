import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Broker, createBroker, type RouteHandler } from '../../broker.ts';
import { keptLog } from '../support/kept-log.ts';
import { http, rawSocket, startListening, upgradeHeaders } from './socket-client.ts';

/** Answers with who was asked, and what of the path is its own. */
const named =
  (name: string): RouteHandler =>
  (_request, response, { path }) => {
    response.end(`${name} ${path}`);
  };

/** A promise that somebody else resolves. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A broker behind somebody's own HTTP server. */
async function behindOwnServer(broker: Broker): Promise<number> {
  const server = createServer((request, response) => broker.handleRequest(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** One that never answers, and tells when it was asked, and when its signal has aborted. */
function silentHandler(begin: (response: Parameters<RouteHandler>[1]) => void = () => {}) {
  const aborted = deferred<void>();
  const asked = deferred<void>();
  const handler: RouteHandler = (_request, response, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve());
    begin(response);
    asked.resolve();
    return new Promise(() => {});
  };
  return { handler, asked: asked.promise, aborted: aborted.promise };
}

describe('broker.route › when a path is asked for', () => {
  test.each([
    ['/hooks', 'hooks /'],
    ['/hooks/', 'hooks /'],
    ['/hooks/a/b%20c', 'hooks /a/b%20c'],
    ['/hooks//a', 'hooks //a'],
    ['/hooks?x=/y', 'hooks /'],
    ['/hooks/deep', 'deep /'],
    ['/hooks/deep/a', 'deep /a'],
    ['/hooks/deeper', 'hooks /deeper'],
    ['/healthz/own', 'own /'],
  ])('%s › then the longest prefix of whole segments has it: %s', async (path, body) => {
    const { broker, port } = await startListening();
    broker.route('/hooks', named('hooks')).route('/hooks/deep', named('deep')).route('/healthz/own', named('own'));
    expect(await http(port, path)).toMatchObject({ status: 200, body });
  });

  test.each([
    '/hook',
    '/hooksy',
    '/HOOKS',
    '/%68ooks',
    '//hooks',
    '/hooks/../metrics',
    '/x/../hooks',
    '/hooks/%2e%2E/metrics',
    '/hooks/./a',
    '/hooks/..',
    '/hooks\\..\\metrics',
  ])('%s › then it is nobody’s', async (path) => {
    const { broker, port } = await startListening();
    broker.route('/hooks', named('hooks'));
    expect(await http(port, path)).toMatchObject({ status: 404, body: 'not found\n' });
  });

  test('then the pages of the broker stay its own, 405 and all', async () => {
    const { broker, port } = await startListening();
    broker.route('/hooks', named('hooks'));
    expect(await http(port, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    for (const path of ['/healthz', '/', '/assets/x.js', '/nowhere']) {
      expect(await http(port, path, { method: 'POST' })).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    }
  });

  test('and there is no console › then `/` may be routed, and is all that nobody else has', async () => {
    const { broker, port } = await startListening({ console: false });
    broker.route('/', named('all')).route('/hooks', named('hooks'));
    expect((await http(port, '/')).body).toBe('all /');
    expect((await http(port, '/assets/x.js?y')).body).toBe('all /assets/x.js');
    expect((await http(port, '/hooks/x')).body).toBe('hooks /x');
    expect((await http(port, '/healthz')).body).toBe('ok\n');
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    'with %s › then the handler reads the body and answers as it likes',
    async (method) => {
      const { broker, port } = await startListening();
      broker.route('/hooks', async (request, response, { url }) => {
        response.writeHead(201, { 'x-query': url.searchParams.get('q') ?? '', 'x-host': url.host });
        response.end(`${request.method} ${await text(request)}`);
      });
      const answer = await fetch(`http://127.0.0.1:${port}/hooks/a?q=1%202`, { method, body: 'the body' });
      expect([answer.status, await answer.text()]).toEqual([201, `${method} the body`]);
      expect(answer.headers.get('x-query')).toBe('1 2');
      expect(answer.headers.get('x-host')).toBe(`127.0.0.1:${port}`);
    },
  );

  test('with a Host that is none, where no Host is checked › then the handler is told another, and not thrown at', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    broker.route('/hooks', (_request, response, { url }) => void response.end(url.href));
    const { port } = await broker.listen({ host: '0.0.0.0', port: 0 });
    // Over loopback `Host` is checked: only what passes arrives.
    expect((await http(port as number, '/hooks', { headers: { Host: 'localhost:' } })).body).toBe(
      'http://localhost/hooks',
    );
    const own = createServer((request, response) => {
      request.headers.host = 'a b@c';
      Object.defineProperty(request.socket, 'localAddress', { value: '192.0.2.1' });
      broker.handleRequest(request, response);
    });
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void own.close());
    const { port: ownPort } = own.address() as AddressInfo;
    expect((await http(ownPort, '/hooks/x', { headers: { Connection: 'close' } })).body).toBe(
      'http://localhost/hooks/x',
    );
  });
});

describe('broker.route › when a request fails the checks', () => {
  test.each([
    ['Origin', { Origin: 'https://evil.example' }],
    ['Host', { Host: 'evil.example' }],
  ])('of %s › then 403, on a port and behind a server, and the handler hears nothing', async (_what, headers) => {
    const { broker, port } = await startListening();
    const heard: IncomingMessage[] = [];
    broker.route('/hooks', (request, response) => {
      heard.push(request);
      response.end();
    });
    const own = await behindOwnServer(broker);
    for (const one of [port, own]) {
      expect((await http(one, '/hooks', { method: 'POST', headers })).status).toBe(403);
      expect((await http(one, '/hooks', { headers: upgradeHeaders(headers) })).status).toBe(403);
    }
    expect(heard).toEqual([]);
    expect((await http(own, '/hooks', { method: 'POST' })).status).toBe(200);
    expect(heard).toHaveLength(1);
  });
});

describe('broker.route › when it is given a prefix', () => {
  test.each(['', 'hooks', '/hooks/', '//', '/a//b', '/a?b', '/a#b', '/a%20b', '/a b', '/../a', '/a/.', '/ä', '/a\\b'])(
    'that is none, %j › then it throws, and says what one is',
    (prefix) => {
      const broker = createBroker();
      onTestFinished(() => broker.close());
      expect(() => broker.route(prefix, named('x'))).toThrow(/^the prefix of a route is a path such as "\/hooks"/);
    },
  );

  test.each(['/healthz', '/readyz', '/metrics', '/', '/inspect/stately', '/assets', '/hooks'])(
    'that is taken, %s › then it throws',
    (prefix) => {
      const broker = createBroker();
      onTestFinished(() => broker.close());
      broker.route('/hooks', named('x'));
      expect(() => broker.route(prefix, named('y'))).toThrow(`the route ${prefix} is taken`);
    },
  );

  test('and the broker is closing › then it throws', async () => {
    const broker = createBroker();
    await broker.close();
    expect(() => broker.route('/hooks', named('x'))).toThrow('the broker is stopping');
  });
});

describe('broker.route › when a handler fails', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('the handler’s own');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('the handler’s own');
      },
    ],
  ] as const)('and %s › then 500 without its headers or its words, and it is logged', async (_how, failing) => {
    const { log, errors } = keptLog();
    const { broker, port } = await startListening({ log });
    broker.route('/hooks', (_request, response) => {
      response.setHeader('x-half', 'done');
      response.statusCode = 201;
      return failing();
    });
    const { status, headers, body } = await http(port, '/hooks/secret?token=secret');
    expect({ status, body }).toEqual({ status: 500, body: 'internal error\n' });
    expect(headers).not.toHaveProperty('x-half');
    expect(errors).toEqual([
      { err: expect.objectContaining({ message: 'the handler’s own' }), what: 'the route /hooks failed' },
    ]);
    expect((await http(port, '/healthz')).status).toBe(200);
  });

  test('after its answer has begun › then the connection is cut, so that nobody takes half for the whole', async () => {
    const { log, errors } = keptLog();
    const { broker, port } = await startListening({ log });
    broker.route('/hooks', async (_request, response) => {
      response.write('half');
      throw new Error('too late');
    });
    await expect(http(port, '/hooks')).rejects.toThrow(/aborted|hang up/);
    expect(errors).toMatchObject([{ err: { message: 'too late' } }]);
  });

  test('after its answer has ended › then the answer stands, and it is logged', async () => {
    const { log, errors } = keptLog();
    const { broker, port } = await startListening({ log });
    broker.route('/hooks', async (_request, response) => {
      // More than fits into the socket: it is not all written yet.
      response.end('whole'.repeat(4_000_000));
      throw new Error('afterwards');
    });
    expect((await http(port, '/hooks')).body).toHaveLength(20_000_000);
    expect(errors).toMatchObject([{ err: { message: 'afterwards' } }]);
  });

  test('by writing to an answer that is over › then it is logged, and does not reach the top', async () => {
    const { log, errors, next } = keptLog();
    const { broker, port } = await startListening({ log });
    broker.route('/hooks', (_request, response) => {
      response.end('whole');
      response.write('more');
    });
    const logged = next();
    expect((await http(port, '/hooks')).body).toBe('whole');
    await logged;
    expect(errors).toMatchObject([
      { err: { code: 'ERR_STREAM_WRITE_AFTER_END' }, what: 'an answer of the route /hooks failed' },
    ]);
  });

  test('with a log that throws, too › then the client has its 500 all the same', async () => {
    const none = () => {};
    const error = () => {
      throw new Error('no log');
    };
    const { broker, port } = await startListening({ log: { debug: none, info: none, warn: none, error } });
    broker.route('/hooks', () => Promise.reject(new Error('x')));
    expect((await http(port, '/hooks')).status).toBe(500);
  });
});

describe('broker.route › when nobody waits for a handler any more', () => {
  test('because the client has gone › then its signal aborts; after an answer it does not', async () => {
    const { broker, port } = await startListening();
    const { handler, asked, aborted } = silentHandler();
    const finished = deferred<AbortSignal>();
    broker.route('/silent', handler).route('/quick', (_request, response, { signal }) => {
      response.once('close', () => finished.resolve(signal));
      response.end();
    });
    const { socket } = rawSocket(port, 'GET /silent HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await asked;
    socket.destroy();
    await aborted;
    await http(port, '/quick');
    await broker.close();
    expect((await finished.promise).aborted).toBe(false);
  });

  test('because the client has gone, and it fails then › then that alone is logged', async () => {
    const { log, errors, next } = keptLog();
    const { broker, port } = await startListening({ log });
    const asked = deferred<void>();
    broker.route('/hooks', async (_request, _response, { signal }) => {
      const gone = once(signal, 'abort');
      asked.resolve();
      await gone;
      throw new Error('nobody waits');
    });
    const { socket } = rawSocket(port, 'GET /hooks HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await asked.promise;
    const logged = next();
    socket.destroy();
    await logged;
    await broker.close();
    expect(errors).toMatchObject([{ err: { message: 'nobody waits' } }]);
  });

  test('because the broker closes › then it does not wait, on a port or behind a server: 503, or the connection is cut', async () => {
    const { broker, port } = await startListening();
    const own = await behindOwnServer(broker);
    const silent = silentHandler((response) => response.setHeader('x-half', 'done'));
    const half = silentHandler((response) => response.write('half'));
    const onPort = silentHandler();
    broker.route('/silent', silent.handler).route('/half', half.handler).route('/port', onPort.handler);
    const answers = Promise.allSettled([http(own, '/silent'), http(own, '/half'), http(port, '/port')]);
    await Promise.all([silent.asked, half.asked, onPort.asked]);
    await broker.close();
    await Promise.all([half.aborted, onPort.aborted]);
    const [unbegun, begun] = await answers;
    expect(unbegun).toMatchObject({ value: { status: 503, body: 'the broker has stopped\n' } });
    expect(unbegun).not.toHaveProperty('value.headers.x-half');
    expect(begun).toMatchObject({ status: 'rejected' });
  });

  test('because the broker has closed › then handlers are not asked: 503, and the server goes on', async () => {
    const broker = createBroker();
    const port = await behindOwnServer(broker);
    broker.route('/hooks', named('hooks'));
    expect((await http(port, '/hooks')).status).toBe(200);
    await broker.close();
    expect(await http(port, '/hooks')).toMatchObject({ status: 503, body: 'the broker has stopped\n' });
    expect((await http(port, '/healthz')).status).toBe(200);
  });
});
