import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textView } from '../../../actors/shown/view.ts';
import { createBroker } from '../../../broker.ts';

test('a text with a token of the broker’s › does not show it, wherever it stands', async () => {
  const broker = createBroker();
  const tokens = [broker.tokens.host, broker.tokens.daemon, broker.upsertAgent({ id: 'echo' }).token ?? ''];
  for (const token of tokens) {
    expect(token).toHaveLength(43);
    expect(textView(`use ${token}, and tell nobody`, 400)).toBe('use [redacted], and tell nobody');
    expect(textView(`"${token}"`, 400)).toBe('"[redacted]"');
  }
  await broker.close();
});

test('any 32 bytes in base64url › are masked', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const token = Buffer.from(bytes).toString('base64url');
      // One of 10^15 has neither: chance does not find it, shrinking would.
      fc.pre(/[A-Z0-9]/.test(token) && !token.startsWith('client-'));
      expect(textView(`it is ${token}.`, 400)).toBe('it is [redacted].');
    }),
  );
});

test('names of many words, and ids › are no tokens, and can be read', () => {
  for (const name of [
    'run test_that_the_broker_ends_a_turn_when_its_agent_is_gone please',
    'see how-to-find-out-which-of-the-tools-failed-and-with-what',
    'a-very-long-name-without-a-space-in-it-'.repeat(6),
    'by client-019a2b3c-4d5e-7f60-8a9b-c0d1e2f3000a alone',
  ])
    expect(textView(name, 400)).toBe(name);
});
