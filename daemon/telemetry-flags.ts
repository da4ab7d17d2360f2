import { z } from 'zod';
import { MAX_METRICS_TENANTS, tenantName } from '../protocol/principal.ts';
import { isCollectorUrl } from '../telemetry/open-telemetry.ts';
import { ConfigError } from './errors.ts';
import { flagInfo } from './flag.ts';
import type { Source } from './sources.ts';

const group = 'Traces and metrics';
const LEAST_INTERVAL_MS = 1_000;
const MAX_INTERVAL_MS = 2 ** 31 - 1;

/** The flags of traces and metrics (`docs/tracing.md`, `docs/metrics.md`). */
export const telemetryFlags = {
  'metrics-tenant': z
    .array(tenantName)
    .max(MAX_METRICS_TENANTS)
    .default([])
    .register(flagInfo, {
      kind: 'list',
      group,
      does: 'tenant that /metrics tells of by its name, repeatable',
      takes: `names of tenants, ${MAX_METRICS_TENANTS} at most, each 1–64 of [A-Za-z0-9._-]`,
      value: 'TENANT',
    }),
  otlp: z
    .string()
    .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url))
    .optional()
    .register(flagInfo, {
      kind: 'text',
      group,
      does: 'OpenTelemetry collector that traces and metrics are sent to, as OTLP over HTTP',
      takes: 'an http(s) URL',
      value: 'URL',
      shown: 'none',
    }),
  'trace-sample': z
    .union([
      z.number().min(0).max(1),
      z
        .string()
        .regex(/^(0(\.\d+)?|1(\.0+)?)$/)
        .transform(Number),
    ])
    .default(1)
    .register(flagInfo, {
      kind: 'text',
      group,
      does: 'share of the traces that begin here which is recorded; of others their sender decides',
      takes: 'a number from 0 to 1',
      value: 'RATIO',
    }),
  'otlp-interval': z
    .int()
    .min(LEAST_INTERVAL_MS)
    .max(MAX_INTERVAL_MS)
    .default(60_000)
    .register(flagInfo, {
      kind: 'number',
      group,
      does: 'how often metrics are sent',
      takes: `milliseconds, an integer from ${LEAST_INTERVAL_MS} to ${MAX_INTERVAL_MS}`,
      value: 'MS',
    }),
};

/** @throws ConfigError where one of them is given, and there is no collector; where its address has a secret in it, perhaps */
export function checkTelemetry(otlp: string | undefined, given: Source): void {
  if (otlp !== undefined) {
    if (isCollectorUrl(otlp)) return;
    // Not shown: it may be what was not to be seen.
    const label = given.get('otlp')?.label;
    throw new ConfigError(
      `${label} takes a URL without credentials, query or fragment; OTEL_EXPORTER_OTLP_HEADERS has those`,
    );
  }
  for (const name of ['trace-sample', 'otlp-interval']) {
    const label = given.get(name)?.label;
    if (label !== undefined) throw new ConfigError(`${label} goes with --otlp URL`);
  }
}
