import { describe, expect, it, onTestFinished } from 'vitest';
import { createBroker } from '../../broker.ts';
import type { ClusterMetrics, GatheredMetrics } from '../../cluster/cluster-options.ts';
import { SharedDirectory } from '../../cluster/shared-directory.ts';
import { UnixCarrier } from '../../link/unix-carrier.ts';
import { GAUGES, mergedMetrics } from '../../metrics/merged.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { scrape } from '../support/metrics.ts';

const gauge = (name: string, ...values: [object, number][]) =>
  JSON.stringify([
    {
      name: `switchboard_${name}`,
      help: 'h',
      type: 'gauge',
      values: values.map(([labels, value]) => ({ labels, value })),
    },
  ]);

/** A broker that is one of several, and what the others say. */
function brokerWith(gather: () => Promise<GatheredMetrics>) {
  let told: () => Promise<string> = async () => '[]';
  const metrics: ClusterMetrics = {
    serve: (read) => {
      told = read;
    },
    gather,
  };
  const carrier = new UnixCarrier({ self: 'a', directory: temporaryDirectory() });
  const broker = createBroker({ cluster: { id: 'a', carrier, directory: new SharedDirectory(), metrics } });
  onTestFinished(() => broker.close());
  return { broker, told: () => told() };
}

describe('metrics of several brokers as of one', () => {
  it('are sums, but for what cannot be added', async () => {
    const all = mergedMetrics([
      gauge('turns', [{ state: 'streaming' }, 2], [{ state: 'parked' }, 1]),
      gauge('turns', [{ state: 'streaming' }, 3]),
      gauge('audit_writable', [{}, 1]),
      gauge('audit_writable', [{}, 0]),
      gauge('event_loop_delay_seconds', [{ quantile: '1' }, 0.5]),
      gauge('event_loop_delay_seconds', [{ quantile: '1' }, 0.2]),
      gauge('start_time_seconds', [{}, 20]),
      gauge('start_time_seconds', [{}, 10]),
      gauge('agents', [{ which: 'known' }, 3], [{ which: 'attached' }, 1]),
      gauge('agents', [{ which: 'known' }, 3], [{ which: 'attached' }, 2]),
    ]);
    const lines = (await all.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toEqual([
      'switchboard_turns{state="streaming"} 5',
      'switchboard_turns{state="parked"} 1',
      'switchboard_audit_writable 0',
      'switchboard_event_loop_delay_seconds{quantile="1"} 0.5',
      'switchboard_start_time_seconds 10',
      'switchboard_agents{which="known"} 3',
      'switchboard_agents{which="attached"} 3',
    ]);
  });

  it('know of each gauge that there is what it is of several', async () => {
    const { told } = brokerWith(async () => ({ answers: [], workers: 1, silent: 0, down: 0, restarts: [] }));
    const names = (JSON.parse(await told()) as { name: string; type: string }[]).flatMap(({ name, type }) =>
      type === 'gauge' ? [name.replace('switchboard_', '')] : [],
    );
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !Object.hasOwn(GAUGES, name))).toEqual([]);
    expect(Object.keys(GAUGES).filter((name) => !names.includes(name))).toEqual([]);
  });

  it('add what others tell, histograms too, and tell who did not', async () => {
    const other = brokerWith(async () => Promise.reject(new Error('nobody asks')));
    const { broker } = brokerWith(async () => {
      const answers = [await other.told(), await other.told()];
      return { answers, workers: 5, silent: 1, down: 1, restarts: [['2', 7]] };
    });
    const text = await scrape(broker);
    expect(text).toMatch(/^switchboard_build_info\{version="[^"]+"\} 1$/m);
    expect(text).toContain('\nswitchboard_routing_seconds_bucket{le="+Inf"} 0\n');
    expect(text).toContain('\nswitchboard_workers{state="told"} 3\n');
    expect(text).toContain('\nswitchboard_workers{state="silent"} 1\n');
    expect(text).toContain('\nswitchboard_workers{state="down"} 1\n');
    expect(text).toContain('\nswitchboard_worker_restarts_total{worker="2"} 7\n');
    expect(text).toContain('# TYPE switchboard_routing_seconds histogram\n');
  });

  it('are a broker’s own where nobody can be asked', async () => {
    const { broker } = brokerWith(() => Promise.reject(new Error('the supervisor is gone')));
    const text = await scrape(broker);
    expect(text).toContain('switchboard_turns_total 0\n');
    expect(text).not.toContain('switchboard_workers');
  });
});
