import type { Logger } from 'pino';
import { type OpenTelemetry, openTelemetry } from '../broker.ts';
import type { Settings } from './config.ts';
import { ConfigError } from './errors.ts';
import type { Teardown } from './teardown.ts';

/** Headers for the collector, as every program of OpenTelemetry takes them. No flag: they are secrets, perhaps. */
const HEADERS = 'OTEL_EXPORTER_OTLP_HEADERS';

/**
 * Opens the way to the collector that `--otlp` names; undefined where there is none, and nothing is loaded for it then. It is
 * closed behind the broker, within five seconds.
 * @throws ConfigError
 */
export async function openCollector(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  log: Logger,
  teardown: Teardown,
): Promise<OpenTelemetry | undefined> {
  const { otlp: url, 'trace-sample': sampleRatio, 'otlp-interval': metricsIntervalMs } = settings;
  if (url === undefined) return undefined;
  const headers = readHeaders(env[HEADERS] ?? '');
  const on = {
    failed: (signal: string, why: string, times: number) =>
      log.warn({ signal, why, times, url }, 'the collector did not take what was sent'),
    recovered: (signal: string) => log.info({ signal, url }, 'the collector takes what is sent again'),
  };
  let telemetry: OpenTelemetry;
  try {
    telemetry = await openTelemetry({ url, sampleRatio, metricsIntervalMs, headers, on });
  } catch (error) {
    if (error instanceof TypeError) throw refusal();
    throw error;
  }
  teardown.onStop(() => telemetry.close());
  log.info({ url, sample: sampleRatio }, 'traces and metrics go to a collector');
  return telemetry;
}

/** `name=value,name=value`, both percent-encoded where need be. @throws ConfigError that shows nothing of it */
function readHeaders(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw refusal();
      try {
        return [decodeURIComponent(pair.slice(0, at).trim()), decodeURIComponent(pair.slice(at + 1).trim())];
      } catch {
        throw refusal();
      }
    }),
  );
}

const refusal = () => new ConfigError(`${HEADERS} takes name=value pairs, separated by commas`);
