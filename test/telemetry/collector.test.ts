import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openTelemetry } from '../../broker.ts';
import type { Telemetry } from '../../protocol/telemetry.ts';
import { startCollector } from '../support/collector.ts';
import { settle, startLinked } from '../support/linked.ts';
import { scrape } from '../support/metrics.ts';
import { startTraced, telemetryTo } from './support.ts';

/** What was told of the way to a collector. */
function kept() {
  const told: string[] = [];
  const on = {
    failed: (signal: string, why: string, times: number) => void told.push(`${signal} failed: ${why} × ${times}`),
    recovered: (signal: string) => void told.push(`${signal} recovered`),
  };
  return { told, on };
}

const begin = (telemetry: Telemetry, name = 'x') => telemetry.start({ name, kind: 'internal' });
const spans = (telemetry: Telemetry, count: number) => {
  for (let n = 0; n < count; n += 1) begin(telemetry).end();
};

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('a collector', () => {
  it('gets the headers that it is to get', async () => {
    const collector = await startCollector();
    const telemetry = await telemetryTo(`${collector.url}/`, {
      headers: { authorization: 'Bearer abc' },
      serviceName: 'mine',
    });
    spans(telemetry, 1);
    await telemetry.flush();
    expect(collector.headers[0]).toMatchObject({
      authorization: 'Bearer abc',
      'content-type': 'application/x-protobuf',
    });
    expect(collector.span('x').resource['service.name']).toBe('mine');
    expect(telemetry.state).toMatchObject({ exported: 1, waiting: 0, failed: 0 });
  });

  it('that answers 500 costs what it was sent, is told of once, and again when it has recovered', async () => {
    const collector = await startCollector();
    const { told, on } = kept();
    const telemetry = await telemetryTo(collector.url, { on });
    collector.behave((response) => response.writeHead(500, 'Authorization: Bearer abc').end('x'.repeat(100_000)));
    for (let n = 0; n < 3; n += 1) {
      spans(telemetry, 2);
      await telemetry.flush();
    }
    expect(told).toEqual(['traces failed: HTTP 500 × 1']);
    expect(telemetry.state).toMatchObject({ exported: 0, failed: 6, waiting: 0, failures: { traces: 3, metrics: 0 } });
    collector.behave(undefined);
    spans(telemetry, 1);
    await telemetry.flush();
    expect(told).toEqual(['traces failed: HTTP 500 × 1', 'traces recovered']);
    expect(telemetry.state.exported).toBe(1);
  });

  it('that answers something else than OTLP has taken what it was sent', async () => {
    const collector = await startCollector();
    const telemetry = await telemetryTo(collector.url);
    collector.behave((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hi</h1>'));
    spans(telemetry, 1);
    await telemetry.flush();
    expect(telemetry.state).toMatchObject({ exported: 1, failed: 0 });
  });

  it('that is gone in the middle of a request is sent it again', async () => {
    const collector = await startCollector();
    const telemetry = await telemetryTo(collector.url);
    collector.behave((response) => {
      collector.behave(undefined);
      response.destroy();
    });
    spans(telemetry, 3);
    await telemetry.flush();
    expect(collector.spans).toHaveLength(3);
    expect(telemetry.state).toMatchObject({ exported: 3, failed: 0, failures: { traces: 0 } });
  });

  it('that comes a moment after the broker gets everything', async () => {
    const port = await freePort();
    const telemetry = await telemetryTo(`http://127.0.0.1:${port}`);
    spans(telemetry, 3);
    const flushed = telemetry.flush();
    const collector = await startCollector({ port });
    await flushed;
    expect(collector.spans).toHaveLength(3);
  });

  it('that never answers keeps no turn waiting, holds so many spans, and the end for five seconds at most', async () => {
    const { collector, telemetry, agent, open, host, broker } = await startTraced();
    collector.behave(() => {});
    await open();
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(host.events('s').at(-1)).toMatchObject({ kind: 'done' });
    spans(telemetry, 20_100);
    expect(telemetry.state).toMatchObject({ exported: 0, waiting: 20_000, dropped: 102, failed: 0 });
    const text = await scrape(broker);
    expect(text).toMatch(/^switchboard_spans_total\{outcome="dropped"\} 102$/m);
    expect(text).toMatch(/^switchboard_spans_waiting 20000$/m);
    // That it ends is what is tried: whoever waits for the answers waits for ever.
    await telemetry.close();
    spans(telemetry, 1);
    expect(telemetry.state.dropped).toBe(103);
  });

  it('that is away at the end does not keep it from ending', async () => {
    const telemetry = await openTelemetry({ url: `http://127.0.0.1:${await freePort()}` });
    spans(telemetry, 1);
    await telemetry.close();
    await telemetry.close();
    expect(telemetry.state.exported).toBe(0);
  });

  it('gets what waits at the end', async () => {
    const collector = await startCollector();
    const telemetry = await telemetryTo(collector.url);
    spans(telemetry, 3_000);
    await telemetry.close();
    expect(collector.spans).toHaveLength(3_000);
  });
});

describe('metrics', () => {
  it('are those of /metrics, with their labels, their kinds and their buckets', async () => {
    const { collector, telemetry, broker, agent, open } = await startTraced();
    await open();
    for (let n = 0; n < 64; n += 1) agent.emit('s', { kind: 'token', delta: 'x' });
    await settle();
    await telemetry.flush();
    const text = await scrape(broker);
    const report = collector.reports.at(-1) ?? [];
    const named = (name: string) => report.find((metric) => metric.name === name);
    const scraped = new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
    );
    const kinds = { counter: 'sum', gauge: 'gauge', histogram: 'histogram' } as const;
    expect(new Map(report.map(({ name, kind }) => [name, kind]))).toEqual(
      new Map([...scraped].map(([name, type]) => [name, kinds[type as keyof typeof kinds]])),
    );
    expect(named('switchboard_turns_total')?.points).toEqual([{ attributes: {}, value: 1 }]);
    expect(named('switchboard_events_total')?.points).toContainEqual({ attributes: { kind: 'token' }, value: 64 });
    expect(named('switchboard_connections')?.points).toContainEqual({ attributes: { role: 'agent' }, value: 1 });
    const [routing] = named('switchboard_routing_seconds')?.points ?? [];
    expect(routing?.counts).toHaveLength((routing?.bounds?.length ?? 0) + 1);
    expect(routing?.count).toBe(routing?.counts?.reduce((sum, one) => sum + one, 0));
  });

  it('are sent once more when the broker has stopped, as they are then', async () => {
    const { collector, telemetry, broker, linked } = await startTraced();
    const closed = broker.close();
    await linked.advance(5_000);
    await closed;
    await telemetry.close();
    const report = collector.reports.at(-1) ?? [];
    expect(report.find(({ name }) => name === 'switchboard_connections_closed_total')?.points).toContainEqual({
      attributes: { code: '1001' },
      value: 2,
    });
    // And it may serve another.
    const again = await telemetryTo(collector.url);
    const first = startLinked({ telemetry: again }).broker;
    expect(() => startLinked({ telemetry: again })).toThrow('serves another broker already');
    await first.close();
    await startLinked({ telemetry: again }).broker.close();
  });

  it('that could not be sent are told of by themselves', async () => {
    const { told, on } = kept();
    const { collector, telemetry } = await startTraced({}, { on });
    collector.behave((response) => response.writeHead(401).end());
    await telemetry.flush();
    expect(told).toEqual(['metrics failed: HTTP 401 × 1']);
    expect(telemetry.state.failures).toEqual({ traces: 0, metrics: 1 });
  });
});

describe('openTelemetry', () => {
  it.each([
    [{ url: 'localhost:4318' }, 'url is http(s)'],
    [{ url: 'http://user:secret@localhost' }, 'url is http(s), without credentials'],
    [{ url: 'http://localhost/?key=secret' }, 'url is http(s), without credentials, query or fragment'],
    [{ sampleRatio: 2 }, 'sampleRatio is a number from 0 to 1'],
    [{ sampleRatio: Number.NaN }, 'sampleRatio is a number from 0 to 1'],
    [{ metricsIntervalMs: 10 }, 'metricsIntervalMs is at least 1000'],
    [{ headers: { a: 'secret\n' } }, 'a name or a value in headers is none'],
    [{ headers: { 'a b': 'secret' } }, 'a name or a value in headers is none'],
    [{ interval: 5 }, 'there is no option "interval"'],
  ])('refuses %j, without showing a secret', async (options, why) => {
    const error = await openTelemetry({ url: 'http://127.0.0.1:1', ...options } as never).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(why);
    expect(String(error)).not.toContain('secret');
  });
});
