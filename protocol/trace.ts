import { z } from 'zod';
import { isObject } from './json.ts';
import { parseTraceparent } from './traceparent.ts';

/** What a request says of the trace that it belongs to: `_meta` of its parameters (`docs/protocol.md#traces`). */
export interface TraceContext {
  /** W3C Trace Context. */
  readonly traceparent?: string | undefined;
  /** W3C Trace Context: only with a {@link traceparent}. */
  readonly tracestate?: string | undefined;
  /** W3C Baggage: what a caller wants to be known along the way. Never leaves the tenant. */
  readonly baggage?: string | undefined;
}

/** The longest that each may be, in bytes; a longer one is ignored. */
export const MAX_TRACE_BYTES = { traceparent: 256, tracestate: 512, baggage: 4096 } as const;

/** `_meta`, as the broker writes it. */
export const traceMeta = z
  .object({
    traceparent: z.string().max(MAX_TRACE_BYTES.traceparent).optional(),
    tracestate: z.string().max(MAX_TRACE_BYTES.tracestate).optional(),
    baggage: z.string().max(MAX_TRACE_BYTES.baggage).optional(),
  })
  .optional()
  .meta({ description: 'the trace that this belongs to, where one is known' });

/** Entries of a `tracestate`, as its specification has it; one may be empty. */
const MAX_STATES = 32;
const STATE = /^(?:[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])?$/;
/** Entries of a `baggage`, as its specification has it. */
const MAX_BAGGAGE = 180;
const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** What may stand in a header of HTTP. Of what `trim` takes away these are space and tab alone. */
const IN_HEADERS = /^[\t\x20-\x7e]+$/;

/**
 * The trace that a request's parameters name in `_meta`. What is malformed or too long counts as not there; undefined
 * where nothing is left. Never throws, and takes no longer than what may be kept is long.
 */
export function readTrace(params: unknown): TraceContext | undefined {
  if (!isObject(params) || !isObject(params._meta)) return undefined;
  const { traceparent, tracestate, baggage } = params._meta;
  const parent = within(traceparent, 'traceparent') && parseTraceparent(traceparent) ? traceparent : undefined;
  // Without the trace that it is about it says nothing.
  const state = parent && within(tracestate, 'tracestate') && isList(tracestate, MAX_STATES, isState);
  const carried = within(baggage, 'baggage') && isList(baggage, MAX_BAGGAGE, isBaggage);
  if (!parent && !carried) return undefined;
  return {
    ...(parent ? { traceparent: parent } : {}),
    ...(state ? { tracestate: tracestate as string } : {}),
    ...(carried ? { baggage } : {}),
  };
}

/** The trace's id, for a record; undefined where none is known. */
export function traceId(trace: TraceContext | undefined): string | undefined {
  return trace?.traceparent?.slice(3, 35);
}

/** What all three are written in is ASCII: a character is a byte, or it is malformed. */
function within(value: unknown, name: keyof typeof MAX_TRACE_BYTES): value is string {
  return typeof value === 'string' && value.length <= MAX_TRACE_BYTES[name] && IN_HEADERS.test(value);
}

/** Split and trimmed, and not matched as a whole: an expression with blanks wherever they may be takes for ever on some texts. */
function isList(text: string, most: number, isEntry: (entry: string) => boolean): boolean {
  const entries = text.split(',');
  return entries.length <= most && entries.every((entry) => isEntry(entry.trim()));
}

const isState = (entry: string): boolean => STATE.test(entry);

/** A name and its value; properties may follow, and need no value. */
const isBaggage = (entry: string): boolean =>
  entry.split(';').every((part, at) => {
    const [name = '', ...values] = part.split('=');
    // A value may have more of these in it.
    return TOKEN.test(name.trim()) && VALUE.test(values.join('=').trim()) && (at > 0 || values.length > 0);
  });
