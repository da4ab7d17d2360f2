import type { Agent } from 'node:http';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { Signal, TelemetryEvents } from './open-telemetry.ts';

/** Where a collector is. */
export interface Place {
  /** Without a slash at its end. */
  readonly url: string;
  /** Secrets, perhaps. */
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

/** How long a collector may take for one request, its repetitions included. Milliseconds. */
export const SEND_MS = 10_000;
/** An answer that drips in for longer is none. Milliseconds. */
const GIVE_UP_MS = 15_000;
/** More at once than are ever sent: all that waits when it is to end. */
const CONCURRENT = 128;

/** How the packages of OpenTelemetry reach it. Nothing of it is read from the environment: that may be of another collector. */
export function toCollector({ url, headers, agent }: Place, signal: Signal) {
  return {
    url: `${url}/v1/${signal}`,
    headers: async () => ({ ...headers, 'Content-Type': 'application/x-protobuf' }),
    agentFactory: async () => agent,
    timeoutMillis: SEND_MS,
    concurrencyLimit: CONCURRENT,
    compression: 'none' as const,
    userAgent: 'switchboard',
  };
}

/** Hands something over, and hears once what came of it: nothing where it arrived. Never throws. */
export function inTime(
  send: (settle: (result: ExportResult) => void) => void,
  settled: (error: unknown) => void,
): void {
  let isOver = false;
  const settle = (error: unknown) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(patience);
    settled(error);
  };
  const patience = setTimeout(() => settle(new Error('no whole answer in time')), GIVE_UP_MS);
  patience.unref();
  try {
    send(({ code, error }) => settle(code === ExportResultCode.SUCCESS ? undefined : (error ?? {})));
  } catch (error) {
    settle(error);
  }
}

/** How often trouble that lasts is told. Milliseconds. */
const TELL_EVERY_MS = 60_000;

/** What goes wrong with one signal: told at once, then now and then, and when it is over. */
export class Troubles {
  /** Requests that came to nothing. */
  failures = 0;
  readonly #signal: Signal;
  readonly #on: TelemetryEvents;
  #toldAt: number | undefined;
  #untold = 0;

  constructor(signal: Signal, on: TelemetryEvents) {
    this.#signal = signal;
    this.#on = on;
  }

  failed(error: unknown): void {
    this.failures += 1;
    this.#untold += 1;
    const now = performance.now();
    if (this.#toldAt !== undefined && now - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = now;
    this.#on.failed?.(this.#signal, whyOf(error), this.#untold);
    this.#untold = 0;
  }

  arrived(): void {
    if (this.#toldAt === undefined) return;
    this.#toldAt = undefined;
    this.#untold = 0;
    this.#on.recovered?.(this.#signal);
  }
}

/** In a word or two: what a collector has answered may be long, and anything. */
function whyOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'number') return `HTTP ${code}`;
  if (typeof code === 'string') return code.slice(0, 64);
  return typeof message === 'string' ? message.slice(0, 128) : 'unknown';
}
