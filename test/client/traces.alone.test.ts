import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, it } from 'vitest';
import type { Turn } from '../../client/node.ts';
import { ROOT } from '../../docs/render.ts';
import { startCollector } from '../support/collector.ts';
import { drawn, shapeOf } from '../telemetry/drawn.ts';
import { telemetryTo } from '../telemetry/support.ts';
import { RealBroker } from './real-broker.ts';

/** What an application that uses OpenTelemetry has, which the SDK finds by itself. */
function useOpenTelemetry({ propagates = true } = {}) {
  const active = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => active.getStore() ?? ROOT_CONTEXT,
    with: (inner, run, that, ...args) => active.run(inner, () => run.call(that as never, ...args)),
    bind: (_context, target) => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  });
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  if (propagates) propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('an application');
  return {
    tracer,
    /** Runs something in a span of the application's own. */
    inSpan: <T>(name: string, run: () => Promise<T>): Promise<T> =>
      tracer.startActiveSpan(name, async (span) => {
        try {
          return await run();
        } finally {
          span.end();
        }
      }),
    spans: () => exporter.getFinishedSpans(),
    span: (name: string) => {
      const found = exporter.getFinishedSpans().find((span) => span.name === name);
      if (!found) throw new Error(`no span ${name}`);
      return { ...found.spanContext(), parentId: found.parentSpanContext?.spanId };
    },
  };
}

afterEach(() => {
  context.disable();
  propagation.disable();
});

const ns = ([seconds, rest]: [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

/** The trace that is active here. */
const activeId = () => trace.getSpanContext(context.active())?.traceId;

describe('for an application that uses OpenTelemetry', () => {
  it.each([
    ['and propagates by W3C', true],
    ['and propagates in another way, or not', false],
  ])('%s › a turn is one trace, from its window to its tool', async (_what, propagates) => {
    const app = useOpenTelemetry({ propagates });
    const collector = await startCollector();
    const telemetry = await telemetryTo(collector.url);
    // Connected within a span that has nothing to do with what comes later.
    const { host, broker } = await app.inSpan('starting', async () => {
      const real = await RealBroker.start({ telemetry });
      await real.agent(async function* (turn: Turn) {
        yield 'a';
        const found = await app.inSpan('think', () => turn.tools.call('look'));
        // Still, after whatever was waited for.
        yield `${activeId() === turn.traceparent?.slice(3, 35)} ${found}`;
      });
      return { host: await real.host(), broker: real.broker };
    });
    await host.tool('look', {}, (_args, call) =>
      app.inSpan('read', async () => `${activeId() === call.traceparent?.slice(3, 35)}`),
    );
    const text = await app.inSpan('window', async () => host.chat('echo', 'hi').text());
    expect(text).toBe('atrue true');
    await broker.close();
    await telemetry.close();
    const ids = [
      app.span('window'),
      { ...collector.span('agents.chat'), parentId: collector.span('agents.chat').parentSpanId },
      { ...collector.span('invoke_agent echo'), parentId: collector.span('invoke_agent echo').parentSpanId },
      app.span('think'),
      { ...collector.span('execute_tool look'), parentId: collector.span('execute_tool look').parentSpanId },
      app.span('read'),
    ];
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(1);
    expect(ids.slice(1).map(({ parentId }) => parentId)).toEqual(ids.slice(0, -1).map(({ spanId }) => spanId));
  });

  it('the page shows a turn as it is', async () => {
    const app = useOpenTelemetry();
    const collector = await startCollector();
    const telemetry = await telemetryTo(collector.url);
    const real = await RealBroker.start({ telemetry, approvals: { methods: ['tools.execute:look_up'] } });
    // What a model and a person take, in small.
    await real.agent(async function* (turn: Turn) {
      await app.inSpan('model', () => sleep(30));
      yield 'Let me see. ';
      yield String(await turn.tools.call('look_up'));
      await app.inSpan('model', () => sleep(20));
      yield 'That is all.';
    });
    const host = await real.host();
    await host.tool('look_up', {}, () => app.inSpan('SELECT', () => sleep(10)));
    await app.inSpan('POST /ask', async () => {
      const chat = host.chat('echo', 'hi');
      for await (const event of chat) {
        if (event.kind !== 'gate_pending') continue;
        await sleep(25);
        await chat.approve(String(event.approval_id), true);
      }
    });
    await real.broker.close();
    await telemetry.close();
    const ofApp = app.spans().map((span) => ({
      service: span.name === 'model' ? 'agent' : 'window',
      name: span.name,
      spanId: span.spanContext().spanId,
      parentSpanId: span.parentSpanContext?.spanId ?? '',
      events: [],
      startNs: ns(span.startTime),
      endNs: ns(span.endTime),
    }));
    const lines = drawn([...ofApp, ...collector.spans.map((span) => ({ ...span, service: 'switchboard' }))]);
    const page = readFileSync(join(ROOT, 'docs/tracing.md'), 'utf8');
    const [, block = ''] = /```text\n(window [\s\S]*?)\n```/.exec(page) ?? [];
    // Drawn anew, where the page is not as it is: what is to be put there.
    expect(shapeOf(block.split('\n')), lines.join('\n')).toEqual(shapeOf(lines));
  });

  it('what its baggage says goes on to the agent, and nothing is active in a turn of no trace', async () => {
    const app = useOpenTelemetry();
    const real = await RealBroker.start();
    const seen: unknown[] = [];
    await app.inSpan('starting', () =>
      real.agent(async (turn) => {
        seen.push([
          turn.traceparent,
          trace.getSpan(context.active())?.isRecording(),
          propagation.getActiveBaggage()?.getEntry('user')?.value,
        ]);
        return 'done';
      }),
    );
    const host = await real.host();
    await host.chat('echo', 'hi').text();
    const baggage = propagation.createBaggage({ user: { value: 'alice' } });
    const span = app.tracer.startSpan('window');
    const inner = propagation.setBaggage(trace.setSpan(ROOT_CONTEXT, span), baggage);
    await context.with(inner, () => host.chat('echo', 'hi').text());
    const { traceId, spanId } = span.spanContext();
    expect(seen).toEqual([
      [undefined, undefined, undefined],
      [`00-${traceId}-${spanId}-01`, false, 'alice'],
    ]);
  });

  it('its own trouble is nobody else’s', async () => {
    context.setGlobalContextManager({
      active: () => {
        throw new Error('broken');
      },
      disable: () => {},
    } as never);
    const real = await RealBroker.start();
    await real.agent(async () => 'fine');
    expect(await (await real.host()).chat('echo', 'hi').text()).toBe('fine');
  });

  it('what it says itself in _meta is what is sent', async () => {
    const app = useOpenTelemetry();
    const real = await RealBroker.start();
    const { z } = await import('zod');
    real.broker.method('who', { schema: z.object({}), handler: (_params, caller) => caller.trace?.traceparent });
    const host = await real.host();
    const own = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    await app.inSpan('window', async () => {
      expect(await host.request('who', { _meta: own })).toBe(own.traceparent);
      expect(await host.request('who')).toContain(activeId());
    });
  });
});

it('for anybody else nothing is sent', async () => {
  const real = await RealBroker.start();
  const seen: unknown[] = [];
  await real.agent(async (turn) => {
    seen.push(turn.params, turn.traceparent);
    return 'x';
  });
  await (await real.host()).chat('echo', 'hi').text();
  expect(seen[0]).not.toHaveProperty('_meta');
  expect(seen[1]).toBeUndefined();
});
