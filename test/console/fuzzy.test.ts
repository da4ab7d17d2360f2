import { describe, expect, test } from 'vitest';
import { find, fuzzy } from '../../console/reach/fuzzy.ts';

const titles = (names: string[], query: string) =>
  find(
    names.map((title) => ({ title })),
    query,
    10,
  ).map(({ item }) => item.title);

describe('what somebody types of a name › finds it', () => {
  test.each([
    ['agents.upsert', 'aup', [0, 7, 8]],
    ['Playground', 'play', [0, 1, 2, 3]],
    ['Playground', 'PLGR', [0, 1, 4, 5]],
    ['toolExecute', 'te', [0, 4]],
    ['broker status', 'br st', [0, 1, 7, 8]],
    // Not the first way that there is to read it, but the best.
    ['a-b-agent', 'age', [4, 5, 6]],
  ])('%s by %s › then these are its characters: %j', (text, query, at) => {
    expect(fuzzy(text, query)?.at).toEqual(at);
  });

  test.each([
    ['agents', 'ga'],
    ['agents', 'agentss'],
    ['', 'a'],
    ['agents', '💥'],
  ])('%s by %s › then it is not meant', (text, query) => {
    expect(fuzzy(text, query)).toBeUndefined();
  });

  test('nothing typed › then everything fits, in the order in which it came', () => {
    expect(titles(['b', 'a', 'c'], ' ')).toEqual(['b', 'a', 'c']);
  });

  test('several fit › then beginnings of words come before what is scattered, and the shorter of two before the longer', () => {
    expect(titles(['chat.cancelled', 'agents.chat', 'c-h-a-t', 'chat', 'chats'], 'chat')).toEqual([
      'chat',
      'chats',
      'chat.cancelled',
      'agents.chat',
      'c-h-a-t',
    ]);
  });

  test('only what else it is known by fits › then it comes last, with nothing of its title marked', () => {
    const items = [{ title: 'Keys', hint: 'who may come in' }, { title: 'May day' }];
    expect(find(items, 'may', 5)).toEqual([
      { item: items[1], at: [0, 1, 2] },
      { item: items[0], at: [] },
    ]);
  });

  test('a name of a million characters, and as many typed › then it is read as far as names go', () => {
    const long = 'ab'.repeat(500_000);
    expect(fuzzy(long, long)?.at).toHaveLength(32);
    expect(fuzzy(`${'x'.repeat(400)}b`, 'b')).toBeUndefined();
    // A letter that grows when it becomes small: what would be marked is not what was typed.
    expect(fuzzy('İstanbul', 'i')).toBeUndefined();
  });
});
