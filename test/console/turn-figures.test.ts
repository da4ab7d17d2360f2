import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatEvent } from '../../client/browser.ts';
import { TurnFigures } from '../../console/chat/turn-figures.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const token = (fields: object = {}) => ({ kind: 'token', delta: 'x', ...fields }) as unknown as ChatEvent;

test('what a turn took › to its end, to the first token, how many, how many a second between the first and the last', () => {
  const figures = new TurnFigures();
  later(180);
  for (let left = 411; left > 0; left--) figures.event(token());
  figures.event({ kind: 'tool_call', tool: 'grep' } as unknown as ChatEvent);
  figures.event(token({ delta: '' }));
  later(2_055);
  figures.event(token());
  later(200);
  expect(figures.words()).toEqual(['2.4 s', 'first token 180 ms', '412 tokens', '200/s']);
});

test('a turn without tokens › how long; with one › no rate', () => {
  const figures = new TurnFigures();
  later(65_000);
  expect(figures.words()).toEqual(['1 min 5 s']);
  figures.event(token());
  expect(figures.words()).toEqual(['1 min 5 s', 'first token 1 min 5 s', '1 token']);
});

test('a turn that a reload was in › goes on with what was kept; where tokens came together › does not count them', () => {
  const before = new TurnFigures();
  later(100);
  before.event(token());
  const after = new TurnFigures(JSON.parse(JSON.stringify(before.saved())));
  later(1_000);
  after.event(token());
  expect(after.words()).toEqual(['1.1 s', 'first token 100 ms', '2 tokens', '1/s']);
  after.event(token({ recovered: true }));
  expect(after.words()).toEqual(['1.1 s', 'first token 100 ms']);
});
