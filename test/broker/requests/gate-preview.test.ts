import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { settle, startLinked } from '../../support/linked.ts';
import { approvalsOf } from '../../support/tool-scene.ts';

/* What a person is shown of a parked request (wire.md section 5): 2 KiB at most, tokens redacted. */

/** Parks requests, and gives what is shown of each. */
async function setUp() {
  const linked = startLinked({ limits: { maxPendingApprovals: 1_000 } });
  linked.broker.method('mail.send', { schema: z.unknown(), handler: () => null });
  const caller = await linked.host();
  return async (params: unknown): Promise<string> => {
    caller.post('mail.send', params);
    await settle();
    const shown = (await approvalsOf(caller)).at(-1)?.details.params_preview;
    return shown;
  };
}

const MASKED = '[redacted]';

test.each([
  ...['token', 'access_token', 'refreshToken', 'API_KEY', 'apikey', 'api-key', 'password', 'passwd', 'Passphrase'],
  ...['secret', 'client_secret', 'Authorization', 'cookie', 'set-cookie', 'private_key', 'credentials', 'bearer'],
  ...['Cookies', 'tokens', 'secretKey', 'clientSecretValue', 'x-functions-key', 'X-Auth-Token-a', 'authorization '],
])('the gate’s preview › when a key is %j › then its value is masked, whatever it is and however deep', async (key) => {
  const shownOf = await setUp();
  const shown = await shownOf({
    [key]: 'hunter2',
    deep: [{ [key]: { inner: 'hunter2' } }],
    n: { [key]: ['hunter2', 1] },
  });
  expect(JSON.parse(shown)).toEqual({ [key]: MASKED, deep: [{ [key]: MASKED }], n: { [key]: MASKED } });
});

test.each([
  'Bearer abcdef.ghi',
  'Basic dXNlcjpwYXNz',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc',
  'sk-abcdefghijklmnop',
  'ghp_abcdefghijklmnop',
  'xoxb-1234567890-abc',
])('the gate’s preview › when a value looks like a token: %j › then it is masked, whatever its key', async (value) => {
  const shownOf = await setUp();
  expect(JSON.parse(await shownOf({ text: value, list: [value] }))).toEqual({ text: MASKED, list: [MASKED] });
});

test('the gate’s preview › when a key is a value, of a header or a pair › then what it names is masked', async () => {
  const shownOf = await setUp();
  const headers = [
    { name: 'Authorization', value: 'hunter2' },
    { key: 'Authorization', value: 'hunter2' },
    { type: 'header', name: 'X-Cust', value: 'hunter2' },
    ['Authorization', 'hunter2'],
  ];
  const shown = await shownOf({ headers, env: 'API_KEY=hunter2', line: 'X-Api-Key: hunter2', max_tokens: 100 });
  expect(shown).not.toContain('hunter2');
  expect(shown).toContain('X-Cust');
  expect(JSON.parse(shown).max_tokens).toBe(100);
});

test('the gate’s preview › when values are ordinary › then they are shown as they are', async () => {
  const shownOf = await setUp();
  const params = { to: 'a@b.c', n: 1.5, yes: true, none: null, list: ['x', []], 'ein Schlüssel': 'ü', __x: {} };
  expect(JSON.parse(await shownOf(params))).toEqual(params);
  expect(await shownOf(['a', 1])).toBe('["a",1]');
  expect(JSON.parse(await shownOf(undefined))).toEqual({});
});

test('the gate’s preview › when a string is long › then it is cut, and says so', async () => {
  const shownOf = await setUp();
  const { text } = JSON.parse(await shownOf({ text: 'x'.repeat(10_000) }));
  expect(text).toBe(`${'x'.repeat(200)}…`);
  expect(JSON.parse(await shownOf({ text: 'x'.repeat(200) })).text).toBe('x'.repeat(200));
});

test('the gate’s preview › when there is more than 2 KiB › then it is cut at a character, and says so', async () => {
  const shownOf = await setUp();
  for (const letter of ['x', 'ü', '漢', '🙂']) {
    const shown = await shownOf({ list: Array.from({ length: 100 }, () => letter.repeat(50)) });
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(2048);
    expect(Buffer.byteLength(shown)).toBeGreaterThan(2000);
    expect(shown.endsWith('…')).toBe(true);
    expect(shown).not.toContain('\uFFFD');
  }
});

test('the gate’s preview › when the parameters are huge › then it is made without looking at all of them', async () => {
  const shownOf = await setUp();
  const shown = await shownOf({ rows: Array.from({ length: 90_000 }, (_, n) => n), ['k'.repeat(100_000)]: 1 });
  expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(2048);
});

test('the gate’s preview › whatever is sent › then it is 2 KiB at most and holds no secret', async () => {
  const shownOf = await setUp();
  const secret = 'hunter2-hunter2';
  await fc.assert(
    fc.asyncProperty(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom('password', 'my_token', 'apiKey'),
      async (value, key) => {
        const shown = await shownOf({ before: value, nested: [{ [key]: { secret } }], [key]: [value, secret] });
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(2048);
        expect(shown).not.toContain('hunter2');
      },
    ),
    { numRuns: 100 },
  );
});
