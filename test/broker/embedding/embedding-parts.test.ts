import { expect, test } from 'vitest';
import { type BrokerOptions, createBroker } from '../../../broker.ts';
import { startLinked } from '../../support/linked.ts';

/* What an embedder brings is checked before anything starts. */

const run = () => {};

test.each([
  ['memory', {}, 'memory.addFact must be a function'],
  ['memory', { addFact: run, query: run, delete: run }, 'memory.factCount must be a function'],
  ['memory', { addFact: run, query: run, delete: run, factCount: run, forget: 1 }, 'memory.forget must be a function'],
  ['memory', null, 'memory must be an object'],
  ['a2a', {}, 'a2a.send must be a function'],
  ['voice', {}, 'voice must have one of transcribe, speak'],
  ['voice', { speak: 'hello' }, 'voice.speak must be a function'],
  ['clock', { now: run }, 'clock.setTimeout must be a function'],
  ['clock', 'real', 'clock must be an object'],
  ['agentStore', { load: run }, 'agentStore.save must be a function'],
  ['meetingStore', {}, 'meetingStore.load must be a function'],
  ['log', { info: run }, 'log.debug must be a function'],
])('createBroker › when %s is %o › then it throws: %s', (name, part, message) => {
  expect(() => createBroker({ [name]: part } as BrokerOptions)).toThrow(new TypeError(message));
});

test('createBroker › when an option is undefined, and when a part leaves out what it may › then that is no error', async () => {
  const memory = { addFact: () => 1, query: () => [], delete: () => false, factCount: () => 3 };
  const voice = { async *speak() {} };
  const { host } = startLinked({ memory, voice, a2a: undefined, log: undefined } as unknown as BrokerOptions);
  expect(await (await host()).ok('memory.fact_count')).toBe(3);
});
