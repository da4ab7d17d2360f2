import { Counter, Gauge, Registry } from 'prom-client';
import type { BrokerState } from '../actors/broker-state.ts';
import { turnStatus } from '../protocol/chat.ts';

/**
 * `/metrics` of one broker. Everything is read when it is scraped: nothing here is on a token's way. Labels take values
 * from fixed lists only, so that no client can make the text grow. `transport` tells what only the sockets know.
 */
export function createMetrics(state: BrokerState, transport: { mergedTokens(): number }): Registry {
  const registry = new Registry();
  const { counters } = state;
  /** A metric whose values are put together when it is scraped. */
  const add = (kind: typeof Gauge | typeof Counter, name: string, help: string, label: string, read: () => Values) =>
    registry.registerMetric(
      new kind({
        name: `switchboard_${name}`,
        help,
        labelNames: label === '' ? [] : [label],
        registers: [],
        collect() {
          this.reset();
          const values = read();
          if (typeof values === 'number') this.inc(values);
          else for (const [key, value] of values) this.inc({ [label]: key }, value);
        },
      }),
    );

  add(Gauge, 'build_info', 'Always 1; the version is in the label.', 'version', () => [[state.version, 1]]);
  add(Gauge, 'connections', 'Open connections by role.', 'role', () => [
    ...['unauthenticated', 'client', 'agent', 'host'].map((role) => [role, 0] as const),
    ...[...state.clients.values()].map((client) => [client.role ?? 'unauthenticated', 1] as const),
  ]);
  add(Gauge, 'turns', 'Live turns by state.', 'state', () => [
    ...turnStatus.options.map((status) => [status, 0] as const),
    ...[...state.turns.values()].map((turn) => [String(turn.ref?.getSnapshot().value), 1] as const),
  ]);
  add(Counter, 'connections_total', 'Connections opened since the start.', '', () => counters.connections);
  add(Counter, 'turns_total', 'Turns opened since the start.', '', () => counters.turns);
  add(Counter, 'requests_total', 'Requests routed since the start.', '', () => counters.requests);
  add(Counter, 'turns_ended_total', 'Turns ended since the start, by how.', 'ending', () => counters.endings);
  add(Counter, 'events_total', 'Events sent to hosts since the start, by kind.', 'kind', () => counters.events);
  add(Counter, 'drops_total', 'Frames that went nowhere since the start, by reason.', 'reason', () => counters.drops);
  add(Gauge, 'approvals_pending', 'Approvals that wait for an answer.', '', () => state.approvals.pendingCount);
  add(Gauge, 'queue_bytes', 'Bytes that wait to be written, all connections together.', '', () =>
    [...state.clients.values()].reduce((sum, { link }) => sum + link.waitingBytes, 0),
  );
  add(Gauge, 'queue_bytes_max', 'Bytes that wait for the connection that most wait for.', '', () =>
    [...state.clients.values()].reduce((most, { link }) => Math.max(most, link.waitingBytes), 0),
  );
  add(Counter, 'tokens_merged_total', 'Tokens merged into another for slow readers since the start.', '', () =>
    transport.mergedTokens(),
  );
  addTally('callbacks', 'Tool calls ended since the start, by how', counters.callbacks);
  addTally('approvals', 'Approvals ended since the start, by how', counters.approvals);
  return registry;

  function addTally(name: string, help: string, tallies: ReadonlyMap<string, { count: number; ms: number }>) {
    add(Counter, `${name}_total`, `${help}.`, 'outcome', () => [...tallies].map(([key, { count }]) => [key, count]));
    add(Counter, `${name}_seconds_total`, `${help}: the time they took together.`, 'outcome', () =>
      [...tallies].map(([key, { ms }]) => [key, ms / 1000]),
    );
  }
}

/** One value, or one for each value of the label; the same label twice adds up. */
type Values = number | Iterable<readonly [label: string, value: number]>;
