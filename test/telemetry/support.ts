import { onTestFinished } from 'vitest';
import { type BrokerOptions, type OpenTelemetryOptions, openTelemetry } from '../../broker.ts';
import { startCollector } from '../support/collector.ts';
import { openChat, startLinked } from '../support/linked.ts';
import { callsOf } from '../support/tool-scene.ts';

/** A telemetry for a collector; closed after the test. */
export async function telemetryTo(url: string, options: Partial<OpenTelemetryOptions> = {}) {
  const telemetry = await openTelemetry({ url, ...options });
  onTestFinished(() => telemetry.close());
  return telemetry;
}

/** A broker that tells a collector, with a host that has the tool `clock`, and the agent `echo`. */
export async function startTraced(options: BrokerOptions = {}, sending: Partial<OpenTelemetryOptions> = {}) {
  const collector = await startCollector();
  const telemetry = await telemetryTo(collector.url, sending);
  const linked = startLinked({ ...options, telemetry });
  const host = await linked.host();
  await host.ok('tools.register', [{ name: 'clock' }]);
  const agent = await linked.agent('echo');
  const open = (params: object = {}) => openChat(host, agent, { agent_id: 'echo', session_id: 's', ...params });
  return { collector, telemetry, linked, broker: linked.broker, host, agent, open, ...callsOf(host, agent) };
}

/** A `traceparent` that somebody else has made. */
export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const PARENT_ID = 'b7ad6b7169203331';
export const traceparent = (flags = '01', id = TRACE) => `00-${id}-${PARENT_ID}-${flags}`;
