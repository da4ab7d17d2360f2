import { describe, expect, test } from 'vitest';
import { checkOptions } from '../../protocol/options.ts';

const KNOWN = { sessionId: true, agentId: true, onBusy: true, resumeWindowMs: true, url: true } as const;

describe('checkOptions › when an option is unknown', () => {
  test.each([
    ['session_id', 'sessionId'],
    ['SessionID', 'sessionId'],
    ['agent_id', 'agentId'],
    ['on_busy', 'onBusy'],
    ['resume_window_ms', 'resumeWindowMs'],
    ['resumeWindow', 'resumeWindowMs'],
    ['sesionId', 'sessionId'],
    ['agentIdd', 'agentId'],
    ['uri', 'url'],
  ])('%s › then it says that %s was meant', (name, meant) => {
    expect(() => checkOptions('chat', { [name]: 1 }, KNOWN)).toThrow(
      new TypeError(`chat: there is no option ${name}; did you mean ${meant}?`),
    );
  });

  test.each(['colour', 'x', '', 'timeout', 'constructor'])(
    '%j, which is near to none › then it only says so',
    (name) => {
      expect(() => checkOptions('chat', { [name]: 1 }, KNOWN)).toThrow(
        new TypeError(`chat: there is no option ${name}`),
      );
    },
  );

  test('and undefined › then it is refused as well: somebody meant something by it', () => {
    expect(() => checkOptions('chat', { session_id: undefined }, KNOWN)).toThrow(TypeError);
  });

  test('named __proto__, as JSON has it › then it is refused', () => {
    expect(() => checkOptions('chat', JSON.parse('{"__proto__": 1}'), KNOWN)).toThrow(TypeError);
  });
});

test('checkOptions › when all of them are known, or there are none › then nothing happens', () => {
  checkOptions('chat', { sessionId: 's', url: undefined }, KNOWN);
  checkOptions('chat', {}, KNOWN);
  checkOptions('chat', undefined, KNOWN);
});

test.each([null, 7, 'url', ['url'], () => {}])(
  'checkOptions › when %j stands for the options › then it throws',
  (value) => {
    expect(() => checkOptions('chat', value as never, KNOWN)).toThrow(new TypeError('chat: options are an object'));
  },
);
