import { expect, it } from 'vitest';
import { ErrorCode, type Host, RpcError } from '../../client/browser.ts';
import { askWords, Tail } from '../../console/approvals/turn-words.ts';
import { inspectTurnResult, type RecordedEvent } from '../../protocol/recording.ts';

/** A run of text, or anything else that happens in a turn. */
const text = (said: string, cut?: number): RecordedEvent => ({
  ...{ sequence: 1, at: 1, type: 'text', actor: 't', from: null, until: 2, count: 3, text: said },
  ...(cut === undefined ? {} : { cut }),
});
const other: RecordedEvent = { sequence: 2, at: 2, type: 'event', actor: 't', event: 'x', from: null, payload: {} };

const turn = {
  ...{ turn_id: 't', session_id: 's', agent_id: 'coder', host: 'client-1', prompt: 'mend it', state: 'parked' },
  ...{ started_at: 1, tokens: 3, tools: 1, tools_failed: 0, tool_names: ['grep'], approvals: 1, waited_ms: 5 },
};

/** A daemon that answers by the method; a number is the code of an error. */
function daemon(answers: Record<string, (params: { after?: number }) => unknown>): Pick<Host, 'request'> {
  const request = async (method: string, params: object) => {
    const answer = answers[method]?.(params);
    if (typeof answer === 'number') throw new RpcError(method, { code: answer, message: `code ${answer}` });
    return answer;
  };
  return { request: request as Host['request'] };
}

const page = (records: RecordedEvent[], next: number, more?: true) =>
  inspectTurnResult.parse({ turn, machines: {}, actors: [], records, next, ...(more ? { more } : {}) });

it('of a recorded turn › its prompt, and the end of what it said, however many messages that takes', async () => {
  const asked: unknown[] = [];
  const host = daemon({
    'inspect.turn': (params) => {
      asked.push(params);
      return params.after === undefined ? page([text('I looked. ')], 7, true) : page([other, text('Now I')], 9);
    },
  });
  expect(await askWords(host, 't')).toEqual({ kind: 'recorded', turn, last: 'I looked. \nNow I', isCut: false });
  expect(asked).toEqual([{ turn_id: 't' }, { turn_id: 't', after: 7 }]);
});

it('a record that never ends › is asked for so many times, and said to go on', async () => {
  let times = 0;
  const host = daemon({ 'inspect.turn': () => page([text('x')], ++times, true) });
  expect(await askWords(host, 't')).toMatchObject({ kind: 'recorded', isCut: true });
  expect(times).toBe(8);
  const signal = AbortSignal.abort();
  await askWords(host, 't', signal);
  expect(times).toBe(9);
});

it.each([
  ['no recorder', ErrorCode.MethodNotFound, 'This daemon keeps no record'],
  ['it was dropped', ErrorCode.NotFound, 'Of this turn no record'],
])('%s › then what is known of turns that run, and why there is no more', async (_what, code, why) => {
  const sessions = [{ turn_id: 'other' }, { turn_id: 't', status: 'parked' }];
  const host = daemon({ 'inspect.turn': () => code, 'agents.chat.sessions': () => ({ sessions }) });
  expect(await askWords(host, 't')).toEqual({ kind: 'live', row: sessions[1], why: expect.stringContaining(why) });
});

it('any other fault › is said', async () => {
  const host = daemon({ 'inspect.turn': () => ErrorCode.LimitExceeded });
  expect(await askWords(host, 't')).toEqual({ kind: 'failed', problem: `code ${ErrorCode.LimitExceeded}` });
});

it('a long answer › its end is kept, and that it is an end is told', () => {
  const tail = new Tail();
  for (let n = 0; n < 300; n += 1) tail.take([text(`word${n} `)]);
  expect([tail.text.length, tail.isCut]).toEqual([1_200, true]);
  expect(tail.text.endsWith('word298 word299 ')).toBe(true);
  const cut = new Tail();
  cut.take([text('half a', 10)]);
  expect([cut.text, cut.isCut]).toEqual(['half a…', true]);
});
