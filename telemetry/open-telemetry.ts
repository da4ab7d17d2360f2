import type { Telemetry } from '../protocol/telemetry.ts';

/** What is sent: spans as they end, and now and then what `/metrics` tells. */
export type Signal = 'traces' | 'metrics';

/** What happens on the way to the collector. None of them may throw. */
export interface TelemetryEvents {
  /**
   * Something could not be sent. Told at once, and then at most once a minute for as long as it lasts.
   * @param why - a status or an error code: nothing that was sent
   * @param times - how often, since it was told last
   */
  failed?(signal: Signal, why: string, times: number): void;
  /** The first that arrived after {@link failed}. */
  recovered?(signal: Signal): void;
}

/** Where to send, and how much. */
export interface OpenTelemetryOptions {
  /** The collector, speaking OTLP with protobuf over HTTP; `/v1/traces` and `/v1/metrics` are below it. */
  url: string;
  /** Which share of the traces that begin here are recorded, 0 to 1; of others their own sender has decided. Default 1. */
  sampleRatio?: number;
  /** How often metrics are sent. Milliseconds, at least 1,000. Default 60,000. */
  metricsIntervalMs?: number;
  /** Headers for the collector: secrets, perhaps. They are in no log and no error. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** What the collector knows this broker by. Default: `switchboard`. */
  serviceName?: string;
  on?: TelemetryEvents;
}

/** What `createBroker` takes as `telemetry`: it serves one broker at a time. */
export interface OpenTelemetry extends Telemetry {
  /** Sends what waits. Resolves when it was sent, or could not be. */
  flush(): Promise<void>;
  /** Sends what waits, for five seconds at most, and then nothing more. After the broker. */
  close(): Promise<void>;
}

const NAMES: Readonly<Record<keyof OpenTelemetryOptions, true>> = {
  url: true,
  sampleRatio: true,
  metricsIntervalMs: true,
  headers: true,
  serviceName: true,
  on: true,
};

/**
 * Tells a collector what a broker does when (`docs/tracing.md`). The packages of OpenTelemetry are loaded here, and by nothing
 * else. A collector that is away or slow costs the memory of 20,000 spans, and never a turn.
 * @throws {TypeError} where an option is unknown, or is none
 */
export async function openTelemetry(options: OpenTelemetryOptions): Promise<OpenTelemetry> {
  const { url, sampleRatio = 1, metricsIntervalMs = 60_000, headers = {} } = options;
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name));
  if (unknown !== undefined) throw new TypeError(`openTelemetry: there is no option ${JSON.stringify(unknown)}`);
  if (typeof url !== 'string' || !isCollectorUrl(url))
    throw new TypeError('openTelemetry: url is http(s), without credentials, query or fragment');
  if (!(sampleRatio >= 0 && sampleRatio <= 1))
    throw new TypeError('openTelemetry: sampleRatio is a number from 0 to 1');
  if (!(metricsIntervalMs >= 1_000 && metricsIntervalMs < 2 ** 31))
    throw new TypeError('openTelemetry: metricsIntervalMs is at least 1000');
  const { validateHeaderName, validateHeaderValue } = await import('node:http');
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch {
    // Its own message may have the value in it.
    throw new TypeError('openTelemetry: a name or a value in headers is none');
  }
  const { Otlp } = await import('./otlp.ts');
  return new Otlp({ serviceName: 'switchboard', on: {}, ...options, sampleRatio, metricsIntervalMs, headers });
}

/** Whether a text is the address of a collector: its credentials go into headers, so that no log has them. */
export function isCollectorUrl(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username === '' && password === '' && search === '' && hash === '';
}
