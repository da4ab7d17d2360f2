import { beforeEach, describe, expect, test } from 'vitest';
import { note, SPAN_MS, samples, status } from '../../console/overview/history.ts';
import type { BrokerStatus } from '../../protocol/status.ts';

let starts = 0;
beforeEach(() => {
  starts += 1;
});

/** A status with these numbers, of a daemon of this test's own. */
function told(numbers: { events?: number; tokens?: number; routed?: number; started?: number }): BrokerStatus {
  const { events = 0, tokens = 0, routed = 1, started = starts } = numbers;
  return {
    pid: 1,
    started_at: started,
    totals: { events, tokens },
    routing_ms: { p99: 0.5, samples: routed },
    queue_bytes: { total: 7 },
    event_loop_delay_ms: { p99: 11 },
  } as BrokerStatus;
}

describe('the overview’s history', () => {
  test('of two looks › the difference for each second', () => {
    note(told({ events: 100, tokens: 80 }), 10_000);
    expect(samples.value).toMatchObject([{ eventsPerSecond: undefined, tokensPerSecond: undefined, queueBytes: 7 }]);
    note(told({ events: 150, tokens: 90 }), 12_000);
    expect(samples.value[1]).toMatchObject({ at: 12_000, eventsPerSecond: 25, tokensPerSecond: 5, routingMs: 0.5 });
    expect(status.value?.totals.events).toBe(150);
  });

  test('nothing was routed › no routing time, and not the last one', () => {
    note(told({ routed: 0 }), 10_000);
    expect(samples.value).toMatchObject([{ routingMs: undefined, loopDelayMs: 11 }]);
  });

  test('nobody looked for a while › no rate over the gap', () => {
    note(told({ events: 0 }), 10_000);
    note(told({ events: 9_000 }), 40_000);
    expect(samples.value).toMatchObject([{ at: 10_000 }, { at: 40_000, eventsPerSecond: undefined }]);
  });

  test('another daemon › it starts anew, and no rate is negative', () => {
    note(told({ events: 9_000 }), 10_000);
    note(told({ events: 3, started: starts + 0.5 }), 11_000);
    expect(samples.value).toMatchObject([{ at: 11_000, eventsPerSecond: undefined }]);
  });

  test('what is older than the plots go › is forgotten', () => {
    for (let at = 10_000; at <= 10_000 + 2 * SPAN_MS; at += 1_000) note(told({}), at);
    expect(samples.value[0]?.at).toBe(10_000 + SPAN_MS);
    expect(samples.value).toHaveLength(SPAN_MS / 1_000 + 1);
  });
});
