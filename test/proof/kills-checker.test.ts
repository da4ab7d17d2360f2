import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../e2e/support/cleanup.ts';
import { faultsOf } from './support/deaths/checker.ts';
import { type Line, readLines } from './support/deaths/lines.ts';
import { openLines } from './support/deaths/write-lines.js';

/* That what test/proof/kills.test.ts looks for would be found: a history without a fault, and what is done to it. */

const TURN = { prompt: 'p', turn: 't' };
const event = (seq: number, kind: string, facts: Partial<Line> = {}): Part => ({
  ...{ op: 'event', prompt: 'p', seq, kind },
  ...facts,
});
type Part = Omit<Line, 't' | 'who' | 'type'> & Partial<Line>;

/** A chat with three words, a tool and an approval, read by host `a`, and from a copy of the journal. */
const GOOD: readonly Part[] = [
  { type: 'invoke', op: 'chat', prompt: 'p', agent: 'north' },
  { type: 'invoke', op: 'turn', who: 'north/1', ...TURN },
  { type: 'ok', op: 'chat', ...TURN },
  { op: 'emit', who: 'north/1', text: 'a', ...TURN },
  event(1, 'token', { text: 'a' }),
  { type: 'invoke', op: 'run', action: 't' },
  { type: 'ok', op: 'run', action: 't' },
  { type: 'invoke', op: 'approval', who: 'north/1', ...TURN },
  event(2, 'approval_pending', { approval: 'x' }),
  { type: 'invoke', op: 'decide', prompt: 'p', approval: 'x', resolution: 'approve' },
  { type: 'ok', op: 'approval', who: 'north/1', approval: 'x', resolution: 'approve', ...TURN },
  { type: 'ok', op: 'decide', prompt: 'p', approval: 'x', resolution: 'approve' },
  event(3, 'approval_resolved', { approval: 'x', resolution: 'approve' }),
  { op: 'emit', who: 'north/1', text: 'b', ...TURN },
  event(4, 'token', { text: 'b' }),
  { op: 'fault', who: 'schedule', fault: 'copy for copy 1' },
  { op: 'copied', who: 'copy 1', prompt: 'p', seq: 4, from: 1, kind: 'token', text: 'ab' },
  { op: 'copied', who: 'copy 1', prompt: 'p', seq: 5, kind: 'error', code: 'agent_disconnected' },
  { op: 'emit', who: 'north/1', text: 'c', ...TURN },
  event(5, 'token', { text: 'c' }),
  event(6, 'done'),
];

/** Each a second after the one before. */
const history = (parts: readonly Part[]): Line[] =>
  parts.map((part, n) => ({ t: n * 1_000, who: 'a/1', type: 'info', ...part }));

/** That history, with so many parts from there on taken out, and others put in. */
const changed = (at: (part: Part) => boolean, without: number, ...others: Part[]): Line[] => {
  const parts = [...GOOD];
  parts.splice(GOOD.findIndex(at), without, ...others);
  return history(parts);
};
const isEvent = (seq: number) => (part: Part) => part.op === 'event' && part.seq === seq;
const is = (op: Line['op'], type: Line['type']) => (part: Part) => part.op === op && part.type === type;
const after = (...parts: Part[]) => history([...GOOD, ...parts]);

test('a history without a fault has none', () => {
  expect(faultsOf(history(GOOD))).toEqual([]);
});

describe('two turns in one session', () => {
  const named = GOOD.map((part) =>
    part.op === 'turn' || is('chat', 'invoke')(part) ? { ...part, session: 's' } : part,
  );
  const over: Part = { type: 'ok', op: 'turn', who: 'north/1', ...TURN };
  const SECOND = { prompt: 'q', turn: 'u' };
  const second: Part[] = [
    { type: 'invoke', op: 'chat', prompt: 'q', agent: 'north', session: 's' },
    { type: 'invoke', op: 'turn', who: 'north/1', session: 's', ...SECOND },
    { type: 'ok', op: 'chat', ...SECOND },
    { ...over, ...SECOND },
    event(1, 'done', { prompt: 'q' }),
  ];
  const elsewhere: Part[] = [
    { type: 'invoke', op: 'chat', prompt: 'r', agent: 'south' },
    { type: 'invoke', op: 'turn', who: 'south/1', prompt: 'r', turn: 'v' },
    { type: 'ok', op: 'chat', prompt: 'r', turn: 'v' },
    event(1, 'done', { prompt: 'r' }),
  ];

  test('are found where both are live at the same time, whatever ends meanwhile', () => {
    const parts = [...named.slice(0, -1), ...elsewhere, ...second, ...named.slice(-1), over];
    expect(faultsOf(history(parts))).toEqual(['q: is live in s while p is']);
  });

  test('are none where the host of the first has heard of its end, and its agent hears it a moment later', () => {
    expect(faultsOf(history([...named, ...second.slice(0, 2), over, ...second.slice(2)]))).toEqual([]);
  });

  test('are found where the agent of the first never hears of its end', () => {
    const parts = [
      ...named,
      ...second,
      ...elsewhere,
      ...elsewhere.map((part) => ({ ...part, prompt: 'z', turn: 'z' })),
    ];
    expect(faultsOf(history(parts))).toEqual(['p: has ended, and north goes on with it']);
  });
});

test('a host that reads an earlier chat of its session, of another life of it, may know nothing of what its tool did', () => {
  const earlier = [
    { type: 'invoke', op: 'chat', who: 'a/0', prompt: 'q', agent: 'north', session: 's' },
    { type: 'ok', op: 'chat', who: 'a/0', prompt: 'q', turn: 'u' },
    { type: 'ok', op: 'chat', prompt: 'q', turn: 'u' },
  ] as const;
  const forgotten = { type: 'fail', op: 'tool', who: 'north/1', code: 'unknown_outcome', ...TURN } as const;
  const end = event(1, 'error', { code: 'session_conflict', prompt: 'q' });
  const inSession = GOOD.map((part) =>
    part.op === 'chat' && part.type === 'invoke' ? { ...part, session: 's' } : part,
  );
  const found = (...parts: Part[]) => faultsOf(history(parts)).filter((fault) => fault.includes('forgotten'));
  expect(found(...earlier, ...inSession, forgotten, end)).toEqual([]);
  expect(found(...earlier, end, ...inSession, forgotten)).toHaveLength(1);
  expect(found(...earlier, ...GOOD, forgotten, end)).toHaveLength(1);
});

test.each<[string, Line[], RegExp]>([
  ['a word that is lost', changed(isEvent(4), 1), /5 where 4 was due/],
  ['a word that is lost, with its number', changed(isEvent(4), 1, event(4, 'token', { text: '' })), /not said "c"/],
  ['the last word that is lost', changed(isEvent(5), 2, event(5, 'done')), /ends without "c"/],
  ['a word that comes twice', changed(isEvent(5), 0, event(4, 'token', { text: 'b' })), /4 twice/],
  ['a word twice, by another number', changed(isEvent(5), 1, event(5, 'token', { text: 'b' })), /not said "b"/],
  ['words of which one is another', changed(isEvent(4), 1, event(4, 'token', { text: 'x' })), /not said "x/],
  ['two terminals', after(event(7, 'error', { code: 'agent_disconnected' })), /another end: error/],
  ['a word after the end', after(event(7, 'token', { text: '' })), /token after its end/],
  ['no terminal', changed(isEvent(6), 1), /has no end/],
  [
    'an end that nothing explains',
    changed(isEvent(6), 1, event(6, 'error', { code: 'agent_disconnected' })),
    /ends with/,
  ],
  [
    'an end that another agent’s death does not explain, nor a power cut that came later',
    changed(isEvent(6), 1, { op: 'fault', fault: 'kill south' }, event(6, 'error', { code: 'agent_replaced' }), {
      op: 'fault',
      fault: 'cut tail',
    }),
    /ends with error agent_replaced/,
  ],
  [
    'an action_id that runs twice',
    after({ type: 'invoke', op: 'run', action: 't' }),
    /t by a\/1: its tool ran 2 times/,
  ],
  [
    'a host that knows nothing of what its tool did, and has not died',
    after({ type: 'fail', op: 'tool', who: 'north/1', code: 'unknown_outcome', ...TURN }),
    /p: its host has forgotten its tool/,
  ],
  [
    'an approval with two effects',
    after({ type: 'ok', op: 'approval', who: 'north/1', approval: 'x', resolution: 'approve', ...TURN }),
    /x: has a second effect/,
  ],
  [
    'a decision that was taken, and another took effect',
    changed(is('decide', 'ok'), 1, { type: 'ok', op: 'decide', prompt: 'p', approval: 'x', resolution: 'deny' }),
    /x: deny was told, approve took effect/,
  ],
  ['a chat that is opened twice', after({ type: 'ok', op: 'chat', prompt: 'p', turn: 'u' }), /opened as t, u/],
  [
    'a chat that its agent has run twice',
    after({ type: 'invoke', op: 'turn', who: 'north/1', ...TURN }),
    /its agent has run it 2 times/,
  ],
  [
    'a chat of which nobody knows what became',
    after({ type: 'invoke', op: 'chat', prompt: 'q' }),
    /q: nobody knows what became of it/,
  ],
  [
    'a chat that was refused for good',
    after(
      { type: 'invoke', op: 'chat', prompt: 'q' },
      { type: 'fail', op: 'chat', prompt: 'q', isRetryable: false, text: 'no' },
    ),
    /q: was not opened: no/,
  ],
  [
    'a chat that is refused when its disk has room again',
    after(
      { op: 'fault', fault: 'disk full' },
      { op: 'fault', fault: 'disk free' },
      { type: 'invoke', op: 'chat', prompt: 'q' },
      { type: 'fail', op: 'chat', prompt: 'q', isRetryable: false, text: 'journal_bytes' },
    ),
    /q: was not opened: journal_bytes/,
  ],
  [
    'a copy that lacks what had been heard',
    changed(({ op }) => op === 'copied', 1, {
      op: 'copied',
      who: 'copy 1',
      prompt: 'p',
      seq: 1,
      kind: 'token',
      text: 'a',
    }),
    /as copy 1 reads it: lacks "b" at 1/,
  ],
  [
    'a copy that holds a word twice',
    changed(({ op }) => op === 'copied', 1, {
      ...{ op: 'copied', who: 'copy 1', prompt: 'p', seq: 4, from: 1, kind: 'token', text: 'abb' },
    }),
    /its agent has not said "b" at 2/,
  ],
])('%s is found', (_what, lines, fault) => {
  expect(faultsOf(lines).join('\n')).toMatch(fault);
});

test('what a kill explains is no fault: an agent’s end, another life of a host, a chat that was asked for and forgotten', () => {
  const killed: Part = { op: 'fault', who: 'schedule', fault: 'kill north' };
  const end = event(6, 'error', { code: 'agent_replaced' });
  expect(faultsOf(changed(isEvent(6), 1, killed, end))).toEqual([]);
  const again: Part = { type: 'invoke', op: 'run', action: 't', who: 'a/2' };
  const asked: Part = { type: 'invoke', op: 'chat', prompt: 'q' };
  expect(
    faultsOf(
      changed(isEvent(3), 1, event(2, 'approval_pending', { approval: 'x', who: 'a/2' }), {
        ...event(3, 'approval_resolved', { approval: 'x', resolution: 'approve' }),
        who: 'a/2',
      }),
    ),
  ).toEqual([]);
  expect(faultsOf(after(asked, { op: 'fault', fault: 'kill a' }, again))).toEqual([]);
});

test('what was written down is read in order of time, but for a line that a kill has cut short', () => {
  const directory = temporaryDirectory();
  const [one, other] = [join(directory, 'one.jsonl'), join(directory, 'other.jsonl')];
  const [first, second] = [openLines(one, 'a/1'), openLines(other, 'north/1')];
  first('invoke', 'chat', { prompt: 'p' });
  second('invoke', 'turn', TURN);
  first('ok', 'chat', TURN);
  appendFileSync(one, '{"t":1,"who":"a/1","ty');
  writeFileSync(join(directory, 'else.txt'), 'nothing of ours');
  expect(readLines(directory).map(({ who, type, op }) => `${who} ${type} ${op}`)).toEqual([
    'a/1 invoke chat',
    'north/1 invoke turn',
    'a/1 ok chat',
  ]);
});
