import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdirSync, symlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBroker, type MeetingStore } from '../../broker.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { keptLog } from '../support/kept-log.ts';
import { http, SocketClient, startListening } from './socket-client.ts';

describe('/metrics › when what it tells cannot be read', () => {
  test('then 500 and a line in the log, at a bounded rate, and a later scrape is answered', async () => {
    const { log, errors } = keptLog();
    const broken = { is: true };
    const meetingStore = {
      load: () => [],
      create: () => {},
      append: () => {},
      read: async () => [],
      remove: () => {},
      get writeFailures() {
        if (broken.is) throw new Error('the disk is gone');
        return 3;
      },
    } satisfies MeetingStore;
    const { broker, port } = await startListening({ log, meetingStore });
    for (let n = 0; n < 3; n += 1) {
      expect(await http(port, '/metrics')).toMatchObject({ status: 500, body: 'internal error\n' });
    }
    expect(errors).toEqual([{ err: new Error('the disk is gone'), what: 'the route /metrics failed' }]);
    expect((await http(port, '/healthz')).status).toBe(200);
    broken.is = false;
    expect(await http(port, '/metrics')).toMatchObject({ status: 200 });
    await broker.close();
    expect(errors.slice(1)).toEqual([
      { err: new Error('the disk is gone'), count: 2, what: 'the route /metrics failed' },
    ]);
  });
});

describe('the console › when one of its files cannot be looked at', () => {
  test('then 500 and a line in the log, and not that it is not built', async () => {
    const { log, errors } = keptLog();
    const directory = temporaryDirectory();
    symlinkSync('index.html', join(directory, 'index.html'));
    const { port } = await startListening({ log, console: { directory } });
    expect(await http(port, '/')).toMatchObject({ status: 500 });
    expect(errors).toEqual([{ err: expect.objectContaining({ code: 'ELOOP' }), what: 'the route / failed' }]);
  });

  test('because it has a name that none can have › then it is just not there', async () => {
    const { log, errors } = keptLog();
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'assets'));
    const { port } = await startListening({ log, console: { directory } });
    expect((await http(port, `/assets/${'x'.repeat(5_000)}.js`)).status).toBe(404);
    expect(errors).toEqual([]);
  });
});

describe('a listener › when its server reports that it cannot accept', () => {
  test('then that is logged, at a bounded rate, and everybody else goes on', async () => {
    const { log, errors } = keptLog();
    // Node tells which server a request came to.
    const servers = new Set<Server>();
    const channel = 'http.server.request.start';
    const keep = (message: unknown) => void servers.add((message as { server: Server }).server);
    subscribe(channel, keep);
    onTestFinished(() => void unsubscribe(channel, keep));
    const { broker, address, port } = await startListening({ log });
    await http(port, '/healthz');
    const host = await SocketClient.host(broker, address);
    const full = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' });
    for (const server of servers) for (let n = 0; n < 100; n += 1) server.emit('error', full);
    expect(errors).toEqual([{ err: full, what: 'a connection could not be accepted' }]);
    expect(await host.ok('agents.list')).toEqual([]);
    await broker.close();
    expect(errors.slice(1)).toEqual([{ err: full, count: 99, what: 'a connection could not be accepted' }]);
  });
});

describe('broker.connect › when a listener throws', () => {
  test('then its own connection ends with 1006, and the broker logs why', async () => {
    const { log, errors } = keptLog();
    const broker = createBroker({ log });
    onTestFinished(() => broker.close());
    const link = broker.connect();
    const closed = new Promise<number>((resolve) => {
      link.open({
        text: () => {
          throw new Error('a fault of the embedder’s');
        },
        binary: () => {},
        closed: resolve,
      });
    });
    link.send('{"jsonrpc":"2.0","id":1,"method":"session.auth","params":{"token":"wrong"}}');
    expect(await closed).toBe(1006);
    expect(errors).toEqual([
      { err: new Error('a fault of the embedder’s'), what: 'a listener of a connection in this process failed' },
    ]);
  });
});
