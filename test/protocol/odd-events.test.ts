import { describe, expect, test } from 'vitest';
import { EventFault } from '../../protocol/event-fault.ts';
import { readChatEvent } from '../../protocol/read-event.ts';
import { readProviderEvent } from '../../protocol/voice.ts';

/* What reads an event of an agent's runs outside any actor: whatever the event is, it must not throw. */

/** Values that are no text and cannot be made one, among others. */
const ODD: unknown[] = [
  { toString: 1, valueOf: null },
  JSON.parse('{"__proto__":null}'),
  Object.create(null),
  [[[]]],
  -0,
  10n ** 40n,
  '',
  '\ud800',
  null,
  true,
];

describe.each([
  ['agent.chat.event', readChatEvent, ['session_id', 'turn_id', 'kind', 'delta', 'tool', 'name', 'approval_id']],
  ['voice.event', readProviderEvent, ['stream_id', 'type', 'text', 'seq', 'format', 'message']],
] as const)('%s › when its members are odd', (_, read, names) => {
  const whole = { session_id: 's', stream_id: 's', kind: 'token', type: 'partial', delta: 'd', text: 't', tool: 'x' };
  test.each([...names])('in place of %s › then it is read, mended or refused, and nothing is thrown', (name) => {
    for (const odd of ODD)
      for (const kind of ['token', 'tool_call', 'done', 'final', 'ended', 'other']) {
        const event = { ...whole, kind, type: kind, [name]: odd };
        expect(() => read(event)).not.toThrow();
      }
    expect(read({ ...whole, [name]: ODD[0] })).toBeDefined();
  });

  test('and there is no object at all › then it is a fault', () => {
    for (const odd of [null, 1, 'x', [], true]) expect(read(odd)).toBeInstanceOf(EventFault);
  });
});
