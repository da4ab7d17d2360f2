import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { startLinked } from '../../support/linked.ts';

describe('server.handshake › when the version is one that is spoken', () => {
  test.each([2, 3])('%i › then that one is answered, with the limits', async (protocol_version) => {
    const linked = startLinked({ limits: { maxMessageBytes: 5_000, maxTurnsPerConnection: 7 } });
    const client = await linked.host();
    expect(await client.ok('server.handshake', { protocol_version, client_version: '1.2.3' })).toEqual({
      protocol_version,
      client_protocol_version: protocol_version,
      server_version: linked.broker.version,
      epoch: expect.stringMatching(/^epoch-/),
      durable: 'off',
      limits: {
        max_message_bytes: 5_000,
        max_turns_per_connection: 7,
        max_pending_tools: 64,
        resume_window_ms: 600_000,
      },
    });
    expect(linked.broker.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('again, and with the other one › then each is answered anew', async () => {
    const client = await startLinked().host();
    const first = await client.ok('server.handshake', { protocol_version: 2 });
    expect(await client.ok('server.handshake', { protocol_version: 2 })).toEqual(first);
    expect(await client.ok('server.handshake', { protocol_version: 3 })).toMatchObject({ protocol_version: 3 });
    expect(await client.ok('server.handshake', { protocol_version: 2 })).toEqual(first);
  });
});

describe('server.handshake › when the version is another or none', () => {
  test.each([1, 4, 0, -2, 2.5, '2', '3', null, true, [2], { version: 2 }, 1e308])(
    '%j › then -32006 with the supported ones, and the connection lives',
    async (protocol_version) => {
      const client = await startLinked().host();
      expect((await client.call('server.handshake', { protocol_version })).error).toMatchObject({
        code: ErrorCode.VersionMismatch,
        data: { supported: [2, 3] },
      });
      await client.ok('server.handshake', { protocol_version: 3 });
    },
  );

  test.each([undefined, null, {}, [], { client_version: '1' }, { protocol_version: null, client_version: null }])(
    'params %j › then -32006 too',
    async (params) => {
      const client = await startLinked().host();
      expect((await client.call('server.handshake', params)).error.code).toBe(ErrorCode.VersionMismatch);
    },
  );

  test('and another param is wrong as well › then -32602 comes first', async () => {
    const client = await startLinked().host();
    const { error } = await client.call('server.handshake', { protocol_version: 9, client_version: 1 });
    expect(error).toMatchObject({ code: ErrorCode.InvalidParams, data: { issues: [{ path: 'client_version' }] } });
    expect((await client.call('server.handshake', [9])).error.code).toBe(ErrorCode.InvalidParams);
  });
});

test('server.handshake › when it was never called › then nothing else needs it', async () => {
  const client = await startLinked().manager();
  await client.ok('agents.upsert', { id: 'a' });
  await client.ok('agents.list');
  await client.ok('agents.chat.sessions');
});
