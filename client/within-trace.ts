import type { TraceContext } from '../protocol/trace.ts';
import { parseTraceparent } from '../protocol/traceparent.ts';
import { type Context, registered, SPAN } from './active-trace.ts';

/** Runs something with the trace that a request of the broker's belongs to as what is active, and with none where it names none. */
export function withinTrace<T>(meta: unknown, run: () => T): T {
  const { context } = registered();
  if (!context) return run();
  let inner: Context;
  try {
    // What was active when the connection was made has nothing to do with it.
    inner = contextOf(context.active().deleteValue(SPAN), (meta ?? {}) as TraceContext);
  } catch {
    return run();
  }
  return context.with(inner, run);
}

function contextOf(outer: Context, trace: TraceContext): Context {
  const read = registered().propagation?.extract(outer, trace, {
    get: (from, key) => (from as Record<string, unknown>)[key],
    keys: Object.keys,
  });
  const inner = read ?? outer;
  const parent = trace.traceparent === undefined ? undefined : parseTraceparent(trace.traceparent);
  // Read already, or there is nothing to read.
  if (inner.getValue(SPAN) || !parent) return inner;
  const { traceId, spanId, isSampled } = parent;
  return inner.setValue(SPAN, new RemoteSpan({ traceId, spanId, traceFlags: isSampled ? 1 : 0, isRemote: true }));
}

/** A span of somebody else's: whatever is said of it goes nowhere. */
class RemoteSpan {
  readonly #context: object;

  constructor(context: object) {
    this.#context = context;
  }

  spanContext(): object {
    return this.#context;
  }
  isRecording(): boolean {
    return false;
  }
  setAttribute(): this {
    return this;
  }
  setAttributes(): this {
    return this;
  }
  addEvent(): this {
    return this;
  }
  addLink(): this {
    return this;
  }
  addLinks(): this {
    return this;
  }
  setStatus(): this {
    return this;
  }
  updateName(): this {
    return this;
  }
  end(): void {}
  recordException(): void {}
}

/** The `traceparent` of a request's `_meta`; undefined where it has none. */
export function traceparentOf(meta: unknown): string | undefined {
  const { traceparent } = (meta ?? {}) as TraceContext;
  return typeof traceparent === 'string' ? traceparent : undefined;
}
