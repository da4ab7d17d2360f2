import type { TraceContext } from '../protocol/trace.ts';

/*
 * Of OpenTelemetry the SDK knows what every copy of `@opentelemetry/api` 1.x shares with every other one in a process: where
 * it registers what an application has chosen. Where nothing is registered nothing is done.
 */

/** A context of that API. */
export interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
  deleteValue(key: symbol): Context;
}

type Carrier = Record<string, string>;

/** What an application may have registered. */
interface Registered {
  readonly context?: { active(): Context; with<T>(context: Context, run: () => T): T };
  readonly propagation?: {
    inject(context: Context, carrier: Carrier, setter: { set(to: Carrier, key: string, value: string): void }): void;
    extract(
      context: Context,
      carrier: object,
      getter: { get(from: object, key: string): unknown; keys(from: object): string[] },
    ): Context;
  };
}

interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState?: { serialize(): string };
}

/** Under which a context has its span. */
export const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

const API = Symbol.for('opentelemetry.js.api.1');

export const registered = (): Registered => (globalThis as Record<symbol, unknown>)[API] ?? {};

/** The trace that is active here, as a request says it. Never throws. */
export function activeTrace(): TraceContext | undefined {
  const { context, propagation } = registered();
  if (!context) return undefined;
  try {
    const active = context.active();
    const said: Carrier = {};
    propagation?.inject(active, said, {
      set(to, key, value) {
        to[key] = value;
      },
    });
    const { traceparent = parentOf(active), tracestate, baggage } = said;
    return traceparent || baggage ? { traceparent, tracestate, baggage } : undefined;
  } catch {
    // The application's own, and no reason to send less.
    return undefined;
  }
}

/** The same as a member of a request's parameters. */
export function activeMeta(): { _meta?: TraceContext } {
  const trace = activeTrace();
  return trace ? { _meta: trace } : {};
}

/** Of an application that speaks of its traces in another way. */
function parentOf(active: Context): string | undefined {
  const span = active.getValue(SPAN) as { spanContext(): SpanContext } | undefined;
  if (!span) return undefined;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}
