import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repeat, startFronts } from '../front-scene.ts';

const odd = fc.constantFrom<unknown>(
  undefined,
  null,
  true,
  -1,
  1.5,
  '',
  'x',
  [],
  [1],
  {},
  { a: 1 },
  'AAAA',
  'image/png',
);
const mostly = <T>(good: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: odd });
const is = <T>(value: T) => mostly(fc.constant(value));

const oldPart = fc.oneof(
  fc.record({ kind: fc.constant('text'), text: is('hi'), metadata: odd }),
  fc.record({
    kind: fc.constant('file'),
    file: mostly(fc.record({ bytes: odd, uri: odd, mimeType: is('image/png') })),
  }),
  fc.record({ kind: fc.constant('data'), data: odd }),
  odd,
);
const newPart = fc.oneof(
  fc.record({ text: is('hi'), metadata: odd }),
  fc.record({ raw: odd, mediaType: is('image/png'), filename: odd }),
  fc.record({ url: odd, mediaType: is('image/png') }),
  fc.record({ data: odd }),
  odd,
);
const messageOf = (role: string, part: fc.Arbitrary<unknown>) => ({
  messageId: is('m'),
  role: is(role),
  parts: mostly(fc.array(part, { maxLength: 3 })),
  contextId: odd,
  taskId: odd,
  metadata: odd,
  extensions: odd,
  referenceTaskIds: odd,
});
const about = { id: odd, taskId: odd, historyLength: odd, metadata: odd, contextId: odd, status: odd, pageSize: odd };
const more = {
  pageToken: odd,
  statusTimestampAfter: odd,
  includeArtifacts: odd,
  pushNotificationConfig: odd,
  url: odd,
};
const settings = { returnImmediately: odd, blocking: odd, historyLength: odd, acceptedOutputModes: odd };

const request = fc.oneof(
  fc.record({
    version: fc.constant('0.3'),
    method: fc.constantFrom('message/send', 'message/stream'),
    params: fc.record({
      message: mostly(fc.record({ kind: is('message'), ...messageOf('user', oldPart) })),
      configuration: mostly(fc.record(settings)),
    }),
  }),
  fc.record({
    version: fc.constant('1.0'),
    method: fc.constantFrom('SendMessage', 'SendStreamingMessage'),
    params: fc.record({
      message: mostly(fc.record(messageOf('ROLE_USER', newPart))),
      configuration: mostly(fc.record(settings)),
    }),
  }),
  fc.record({
    version: fc.constant('0.3'),
    method: fc.constantFrom('tasks/get', 'tasks/cancel', 'tasks/resubscribe', 'tasks/pushNotificationConfig/set'),
    params: fc.record({ ...about, ...more }),
  }),
  fc.record({
    version: fc.constant('1.0'),
    method: fc.constantFrom('GetTask', 'CancelTask', 'SubscribeToTask', 'ListTasks'),
    params: fc.record({ ...about, ...more }),
  }),
);

test('whatever a client of A2A asks, and of whatever types, it is told what is wrong with it, and nothing breaks', async () => {
  const { agent, token, url } = await startFronts({ fronts: ['a2a'] });
  await agent('echo', repeat);
  const property = fc.asyncProperty(request, async ({ version, method, params }) => {
    const response = await fetch(`${url}/a2a/echo`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'a2a-version': version },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const text = await response.text();
    expect(response.status, text).toBe(200);
    expect(text).not.toMatch(/"code":-32603|TypeError|Cannot read|is not a function/);
  });
  await fc.assert(property, { numRuns: 400 });
}, 60_000);
