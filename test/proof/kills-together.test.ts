import { expect, test } from 'vitest';
import { faultsOf } from './support/deaths/checker.ts';
import type { Line } from './support/deaths/lines.ts';

/* That what test/proof/kills-nats.test.ts looks for besides would be found: see kills-checker.test.ts. */

type Part = Omit<Line, 't' | 'who' | 'type'> & Partial<Line>;

/** Each a second after the one before. */
const history = (...parts: readonly Part[]): string[] =>
  faultsOf(parts.map((part, n) => ({ t: n * 1_000, who: 'a/1', type: 'info', ...part })));
const later = (seconds: number): Part[] =>
  Array.from({ length: seconds }, () => ({ op: 'fault', who: 'schedule', fault: 'nothing' }));
const fault = (name: string): Part => ({ op: 'fault', who: 'schedule', fault: name });

/** A chat of host `a`, by its words. */
const asked = (prompt: string, agent = 'north'): Part => ({ type: 'invoke', op: 'chat', prompt, agent });
const begun = (prompt: string, who = 'north/1', session = 's'): Part[] => [
  asked(prompt, who.split('/')[0]),
  { type: 'invoke', op: 'turn', who, prompt, turn: prompt, session },
  { type: 'ok', op: 'chat', prompt, turn: prompt },
];
const ended = (prompt: string, who = 'north/1'): Part[] => [
  { type: 'ok', op: 'turn', who, prompt, turn: prompt },
  { op: 'event', prompt, seq: 1, kind: 'done' },
];
const attached = (who: string): Part => ({ op: 'attached', who });
const subscribed = (seq: number, epoch = 'e'): Part => ({ op: 'subscribed', seq, epoch });
const told = (seq: number, text?: string): Part =>
  text === undefined ? { op: 'told', seq, kind: 'x' } : { op: 'told', seq, kind: 'note', text };
const missed = (seq: number): Part => ({ op: 'told', seq, kind: 'cluster.events_missed' });
const noted = (n: number): Part => ({ type: 'ok', op: 'note', who: 'b/1', text: `b/1 1 ${n}` });

test('a history without a fault has none', () => {
  expect(
    history(
      ...[attached('north/1'), ...begun('p'), ...ended('p'), ...begun('q'), ...ended('q')],
      ...[attached('north/2'), ...begun('r', 'north/2'), ...ended('r', 'north/2')],
      ...[subscribed(7), noted(1), told(8, 'b/1 1 1'), noted(2), told(9, 'b/1 1 2')],
      // Another broker's numbers, and there it was away for a while.
      ...[subscribed(2, 'f'), told(3, 'b/1 1 2'), noted(3), noted(4), missed(4), told(5, 'b/1 1 4'), subscribed(9)],
    ),
  ).toEqual([]);
});

test.each<[string, Part[], RegExp]>([
  [
    'a chat that is asked of an agent’s older connection',
    [attached('north/1'), attached('north/2'), ...later(6), ...begun('p'), ...ended('p')],
    /p: north\/1 is asked, and north\/2 is there/,
  ],
  [
    'two live turns in one session',
    [...begun('p'), ...begun('q', 'south/1'), ...ended('q', 'south/1'), ...ended('p')],
    /q: is live in s while p is/,
  ],
  [
    'two live turns in one session, long after what kept brokers apart',
    [
      fault('apart'),
      fault('together'),
      ...later(13),
      ...begun('p'),
      ...begun('q', 'south/1'),
      ...ended('q'),
      ...ended('p'),
    ],
    /q: is live in s while p is/,
  ],
  [
    'a turn that ends for another one that there was not',
    [...begun('p'), { op: 'event', prompt: 'p', seq: 1, kind: 'error', code: 'session_conflict' }],
    /p: ends with error session_conflict/,
  ],
  ['an event of which there is none', [subscribed(7), told(9)], /told 9 of e where 8 was due/],
  ['an event twice', [subscribed(7), told(8), told(8)], /told 8 of e where 9 was due/],
  ['events before they were asked for', [told(1)], /told 1, and has not asked/],
  ['numbers that go back', [subscribed(7), told(8), subscribed(6)], /told 6 of e, and has had 8/],
  [
    'an event that is missing, and not said to be',
    [subscribed(0), ...[1, 2, 3].map(noted), told(1, 'b/1 1 1'), told(2, 'b/1 1 3')],
    /hears nothing of b\/1 1 2/,
  ],
  [
    'events of one origin in another order',
    [subscribed(0), noted(1), noted(2), told(1, 'b/1 1 2'), told(2, 'b/1 1 1')],
    /hears b\/1 1 1 after 2/,
  ],
  [
    'a word that its agent may forget, and that nobody has',
    [
      ...[...begun('p'), { op: 'emit', who: 'north/1', prompt: 'p', turn: 'p', text: 'ab' } as Part],
      { op: 'released', who: 'north/1', prompt: 'p', turn: 'p', length: 2 },
      { op: 'event', prompt: 'p', seq: 1, kind: 'token', text: 'a' },
      ...[fault('kill north'), fault('kill north')],
      { op: 'event', prompt: 'p', seq: 2, kind: 'error', code: 'agent_disconnected' },
    ],
    /p: lacks "b" at 1, which its agent may forget/,
  ],
])('%s is found', (_what, parts, found) => {
  expect(history(...parts).join('\n')).toMatch(found);
});

test('what brokers could not know of each other is no fault: two turns in a session, of which the younger ends', () => {
  expect(
    history(
      ...[fault('apart'), ...begun('p'), ...begun('q', 'south/1'), fault('together')],
      { type: 'fail', op: 'turn', who: 'south/1', prompt: 'q', turn: 'q' },
      { op: 'event', prompt: 'q', seq: 1, kind: 'error', code: 'session_conflict' },
      ...ended('p'),
    ),
  ).toEqual([]);
});
