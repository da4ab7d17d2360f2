import type { Kernel } from '../kernel/kernel.ts';
import { type Metric, metric } from '../kernel/metric.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

/** What `/metrics` tells of a broker that is one of several (`docs/cluster.md`). */
export function clusterMetrics(kernel: Kernel, book: Cluster): Metric[] {
  const ended = () => kernel.get(TURNS).ended;
  return [
    metric('gauge', 'cluster_brokers', 'Other brokers with which there is a link.', () => book.openPeers().length),
    metric('gauge', 'cluster_connected', 'Whether what all brokers know together can be written.', () =>
      book.directory.isConnected ? 1 : 0,
    ),
    metric('gauge', 'cluster_guests', 'Connections of other brokers that have something here.', () =>
      sum(book.openStreams(), ({ guests }) => guests),
    ),
    metric('gauge', 'cluster_extensions', 'What connections of this broker have at others.', () =>
      sum(book.openStreams(), ({ extensions }) => extensions),
    ),
    metric(
      'gauge',
      'cluster_waiting_bytes',
      'Bytes that other brokers have not acknowledged, or that wait for that.',
      () => sum(book.openStreams(), ({ link, lanes }) => link.waitingBytes + link.boundedBytes + lanes.waitingBytes),
    ),
    metric(
      'counter',
      'cluster_messages_total',
      'Messages sent to other brokers since the start.',
      () => book.streams.sent.batches,
    ),
    metric('counter', 'cluster_tokens_total', 'Tokens in them since the start.', () => book.streams.sent.tokens),
    metric(
      'counter',
      'cluster_ended_turns_total',
      'Ended turns that were to be kept for other brokers since the start, by what came of that.',
      () => Object.entries(ended()?.writes.outcomes ?? {}),
      'outcome',
    ),
    metric(
      'counter',
      'cluster_ended_turns_sought_total',
      'Turns that nobody knew and that were looked for among those since the start, by what came of that.',
      () => Object.entries(ended()?.finds.outcomes ?? {}),
      'outcome',
    ),
    metric(
      'gauge',
      'cluster_ended_turns_waiting_bytes',
      'Bytes of ended turns that are not kept for other brokers yet.',
      () => ended()?.writes.bytes ?? 0,
    ),
  ];
}

function sum(streams: Iterable<PeerStreams>, count: (peer: PeerStreams) => number): number {
  let all = 0;
  for (const peer of streams) all += count(peer);
  return all;
}
