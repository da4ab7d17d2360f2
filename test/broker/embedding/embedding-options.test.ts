import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type BrokerOptions, createBroker } from '../../../broker.ts';
import { settle, startLinked } from '../../support/linked.ts';

describe('the options of an embedder › when one does not exist', () => {
  test.each<[options: object, says: string]>([
    [{ allowed_origins: [] }, 'createBroker: there is no option allowed_origins; did you mean allowedOrigins?'],
    [{ meetings: {} }, 'createBroker: there is no option meetings'],
    [{ agent_store: {} }, 'createBroker: there is no option agent_store; did you mean agentStore?'],
    [{ tokens: { hostToken: 'x' } }, 'createBroker, tokens: there is no option hostToken'],
    [{ tokens: { demon: 'x' } }, 'createBroker, tokens: there is no option demon; did you mean daemon?'],
    [
      { approvals: { timeout_ms: 1 } },
      'createBroker, approvals: there is no option timeout_ms; did you mean timeoutMs?',
    ],
    [
      { console: { inspectorURL: '' } },
      'createBroker, console: there is no option inspectorURL; did you mean inspectorUrl?',
    ],
    [{ record: { turn: 1 } }, 'createBroker, record: there is no option turn; did you mean turns?'],
    [{ record: 'disk' }, 'createBroker, record: options are an object'],
    [{ record: { turns: 0 } }, 'createBroker, record: turns is a whole number, 1 or more'],
    [{ record: { bytes: 1_000 } }, 'createBroker, record: bytes is a whole number, 262144 or more'],
    [{ record: { store: { load() {} } } }, 'createBroker, record: store.write must be a function'],
  ])('%j › then createBroker says which, and which was meant', (options, says) => {
    expect(() => createBroker(options as BrokerOptions)).toThrow(new TypeError(says));
  });

  test('a limit › then it says which was meant', () => {
    expect(() => createBroker({ limits: { max_connections: 1 } as object })).toThrow(
      new RangeError('limits.max_connections: there is no such limit; did you mean maxConnections?'),
    );
  });

  test('of listen, method, upsertAgent or executeTool › then they say so, and nothing has happened', async () => {
    const { broker } = startLinked();
    await expect(broker.listen({ hostname: 'x' } as object)).rejects.toThrow(
      new TypeError('broker.listen: there is no option hostname'),
    );
    const method = { schema: z.object({}), handler: () => 1, timeout: 5 };
    expect(() => broker.method('mine', method)).toThrow(
      'broker.method mine: there is no option timeout; did you mean timeoutMs?',
    );
    broker.method('mine', { schema: z.object({}), handler: () => 1 });
    expect(() => broker.upsertAgent({ id: 'a' }, { ephemral: true } as object)).toThrow('did you mean ephemeral?');
    expect(broker.upsertAgent({ id: 'a' }).token).toBeDefined();
    expect(() => broker.executeTool('c', 't', {}, { timeout_ms: 1 } as object)).toThrow('did you mean timeoutMs?');
  });
});

describe('a broker › when it is disposed of', () => {
  test('by await using › then it is closed when the block is left, however that is', async () => {
    const closed: unknown[] = [];
    const fail = async () => {
      await using broker = createBroker();
      broker.connect().open({ text() {}, binary() {}, closed: (code) => closed.push(code) });
      throw new Error('the block failed');
    };
    await expect(fail()).rejects.toThrow('the block failed');
    await settle();
    expect(closed).toEqual([1001]);
  });
});

test('auth › when it is neither a boolean nor a function › then there is no broker', () => {
  for (const auth of ['yes', 1, {}, null]) expect(() => createBroker({ auth: auth as never })).toThrow(TypeError);
});

describe('broker.method › when it cannot be', () => {
  const method = { schema: z.object({}), handler: () => 1 };

  test('for want of a name › then it is refused', () => {
    const { broker } = startLinked();
    expect(() => broker.method('', method)).toThrow(new TypeError('broker.method: a method needs a name'));
    expect(() => broker.method(undefined as never, method)).toThrow('a method needs a name');
  });

  test('for the broker closes, or has closed › then it is refused, as a route is', async () => {
    const { broker } = startLinked();
    const closed = broker.close();
    expect(() => broker.method('mine', method)).toThrow('the broker is stopping');
    await closed;
    expect(() => broker.method('mine', method)).toThrow('the broker is stopping');
  });
});
