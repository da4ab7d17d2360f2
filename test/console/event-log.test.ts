import { describe, expect, test } from 'vitest';
import type { HostEvent } from '../../client/node.ts';
import { listAgents, programOf } from '../../console/agents/rows.ts';
import { EventLog, filtered, kindsOf, MAX_EVENTS, MAX_PAYLOAD } from '../../console/events/log.ts';
import type { HostAgent } from '../../protocol/host.ts';

const event = (sequence: number, fields: Partial<HostEvent> = {}): HostEvent => ({
  id: `e-${sequence}`,
  sequence,
  timestamp: '2026-01-01T00:00:00Z',
  kind: 'host.notification',
  message: `message ${sequence}`,
  payload: null,
  ...fields,
});
const sequences = (log: EventLog) => log.events.map(({ sequence }) => sequence);

describe('the log of events', () => {
  test('a snapshot after what came live › then each is there once, in order', () => {
    const log = new EventLog();
    log.add([event(3), event(5)]);
    log.restart([event(1), event(2), event(3), event(4), event(5)], 5);
    log.add([event(5), event(6), event(6)]);
    expect(sequences(log)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('another daemon, which counts anew › then what the former told is gone', () => {
    const log = new EventLog();
    log.add([event(100), event(101)]);
    log.restart([event(1), event(2)], 2);
    expect(sequences(log)).toEqual([1, 2]);
  });

  test('more than there is room for › then the newest are kept, by number and by size', () => {
    const log = new EventLog();
    for (let n = 1; n <= 50; n += 1) log.add(Array.from({ length: 50 }, (_, at) => event(n * 50 + at)));
    expect(log.events).toHaveLength(MAX_EVENTS);
    expect(log.events.at(-1)?.sequence).toBe(2_549);
    log.add(Array.from({ length: 100 }, (_, at) => event(3_000 + at, { payload: 'x'.repeat(60_000) })));
    expect(log.events.length).toBeLessThan(75);
    expect(log.events.at(-1)?.sequence).toBe(3_099);
  });

  test('a payload that is too large › then the event is kept, and says so', () => {
    const log = new EventLog();
    const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`field-${at}`, [at]]));
    log.add([
      event(1, { payload: 'x'.repeat(MAX_PAYLOAD + 1) }),
      event(2, { payload: wide }),
      event(3, { payload: { a: 1 } }),
    ]);
    expect(log.events).toMatchObject([
      { sequence: 1, payload: undefined, isCut: true },
      { sequence: 2, payload: undefined, isCut: true },
      { sequence: 3, payload: { a: 1 } },
    ]);
  });

  test('a filter › then kinds, families of kinds, and words in everything that it shows', () => {
    const events = [
      event(1, { kind: 'approval.requested', payload: { action: 'Deploy it' } }),
      event(2, { kind: 'approval.resolved', agent_id: 'coder' }),
      event(3, { kind: 'agent.attached', agent_id: 'coder', message: 'agent coder attached' }),
    ];
    const found = (kind: string, text: string) => filtered(events, { kind, text }).map(({ sequence }) => sequence);
    expect(kindsOf(events)).toEqual(['agent.attached', 'approval.', 'approval.requested', 'approval.resolved']);
    expect(found('', '')).toEqual([1, 2, 3]);
    expect(found('approval.', '')).toEqual([1, 2]);
    expect(found('approval.resolved', '')).toEqual([2]);
    expect(found('', 'CODER')).toEqual([2, 3]);
    expect(found('', 'deploy approval')).toEqual([1]);
    expect(found('agent.attached', 'deploy')).toEqual([]);
  });
});

describe('the rows of agents', () => {
  const said = (id: string, fields: Partial<HostAgent> = {}): HostAgent => ({
    id,
    name: id,
    kind: 'acp',
    capabilities: [],
    metadata: {},
    status: 'idle',
    current_task: null,
    updated_at: '2026-01-01T00:00:00Z',
    ...fields,
  });

  test('known ones, and those that are only told of › then each is there once', () => {
    const spec = { id: 'coder', name: 'The coder', capabilities: ['code'], metadata: {} };
    const row = { spec, status: 'running' as const, attached: true, session_id: null, turns: 0 };
    const told = new Map([said('coder'), said('builder', { current_task: 'Compiling' })].map((one) => [one.id, one]));
    const rows = listAgents([row], told);
    expect(rows.map(({ id, row }) => [id, row !== undefined])).toEqual([
      ['coder', true],
      ['builder', false],
    ]);
  });

  test('what a program says of itself › is read as far as it is what it should be', () => {
    const whole = {
      state: 'failed',
      reason: 'gone',
      what: 'x 1',
      mode: 'plan',
      processes: [1, 'two'],
      last_words: 'oh',
    };
    expect(programOf(said('a', { metadata: { attached: whole } }))).toEqual({
      state: 'failed',
      reason: 'gone',
      what: 'x 1',
      mode: 'plan',
      processes: [1],
      lastWords: 'oh',
    });
    for (const attached of [undefined, null, 7, 'x', [], { state: 7 }])
      expect(programOf(said('a', { metadata: { attached } }))).toBeUndefined();
    expect(programOf(said('a', { metadata: { attached: { state: 'ready', processes: 7, mode: {} } } }))).toEqual({
      state: 'ready',
      processes: [],
    });
    expect(programOf(undefined)).toBeUndefined();
  });
});
