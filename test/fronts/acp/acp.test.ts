import { describe, expect, test } from 'vitest';
import { cancelled, deferred, repeat } from '../front-scene.ts';
import { acpClient, startAcp, WAYS } from './acp-client.ts';

describe.each(WAYS)('an ACP client by %s', (way) => {
  test('is told who the agent is, and chats with it', async () => {
    const { agent, streamTo } = await startAcp();
    const { turns } = await agent('echo', repeat);
    const client = acpClient(streamTo(way));
    expect(await client.initialize()).toEqual({
      protocolVersion: 1,
      agentInfo: { name: 'switchboard:echo', title: 'echo', version: expect.any(String) },
      agentCapabilities: {
        loadSession: false,
        promptCapabilities: { image: true, embeddedContext: true },
        mcpCapabilities: {},
        sessionCapabilities: { close: {} },
      },
      authMethods: [],
    });
    const sessionId = await client.open();
    expect(sessionId).toMatch(/^acp-[0-9a-f-]{36}$/);
    expect(await client.prompt(sessionId, 'hello there')).toEqual({ stopReason: 'end_turn' });
    expect(client.text).toBe('hello there');
    expect(await client.prompt(sessionId, ' again')).toEqual({ stopReason: 'end_turn' });
    expect(client.text).toBe('hello there again');
    const context = expect.objectContaining({ cwd: '/src', front: 'acp' });
    expect(turns.map(({ sessionId, params }) => [sessionId, params.context])).toEqual([
      [sessionId, context],
      [sessionId, context],
    ]);
  });

  test('that cancels is answered at once, whatever the agent does, and hears nothing more', async () => {
    const { agent, streamTo } = await startAcp();
    const release = deferred();
    const { turn } = await agent('echo', async (own) => {
      own.token(own.prompt === 'wait' ? 'half' : 'next');
      if (own.prompt !== 'wait') return;
      await release.promise;
      own.token(' whole');
    });
    const client = acpClient(streamTo(way));
    const sessionId = await client.begin();
    const answer = client.prompt(sessionId, 'wait');
    await client.until(() => client.text === 'half');
    await client.cancel(sessionId);
    expect(await answer).toEqual({ stopReason: 'cancelled' });
    expect(await cancelled(await turn(0))).toBe('host_cancelled');
    release.resolve();
    expect(await client.prompt(sessionId, 'go on')).toEqual({ stopReason: 'end_turn' });
    expect(client.text).toBe('halfnext');
  });

  test('that cancels in every moment from the first is answered', async () => {
    const { agent, streamTo } = await startAcp();
    await agent('echo', repeat);
    const client = acpClient(streamTo(way));
    const sessionId = await client.begin();
    for (let at = 0; at < 12; at += 1) {
      const answer = client.prompt(sessionId, 'word '.repeat(50));
      for (let passed = 0; passed < at; passed += 1) await new Promise((resolve) => setImmediate(resolve));
      await client.cancel(sessionId);
      expect(['cancelled', 'end_turn']).toContain((await answer).stopReason);
    }
    expect(await client.prompt(sessionId, 'last')).toEqual({ stopReason: 'end_turn' });
  });

  test('that goes ends its turns', async () => {
    const { agent, streamTo } = await startAcp();
    const { turn } = await agent('echo', async (own) => {
      own.token('half');
      await cancelled(own);
    });
    const client = acpClient(streamTo(way));
    const sessionId = await client.begin();
    void client.prompt(sessionId, 'wait').catch(() => {});
    await client.until(() => client.text === 'half');
    client.connection.close();
    expect(await cancelled(await turn(0))).toBe('host_cancelled');
  });

  test('has a turn in each session, one at a time, and closes them', async () => {
    const { agent, streamTo } = await startAcp();
    const { turn } = await agent('echo', async (own) => {
      own.token(own.prompt);
      if (own.prompt === 'wait') await cancelled(own);
    });
    const client = acpClient(streamTo(way));
    const sessionId = await client.begin();
    const other = await client.open();
    const answer = client.prompt(sessionId, 'wait');
    await client.until(() => client.text === 'wait');
    await expect(client.prompt(sessionId, 'twice')).rejects.toMatchObject({ code: -32600 });
    expect(await client.prompt(other, 'x')).toEqual({ stopReason: 'end_turn' });
    await client.agent.request('session/close', { sessionId });
    expect(await answer).toEqual({ stopReason: 'cancelled' });
    expect(await cancelled(await turn(0))).toBe('host_cancelled');
    await expect(client.prompt(sessionId, 'x')).rejects.toMatchObject({ code: -32002 });
  });

  test('is refused what there is not', async () => {
    const { agent, streamTo } = await startAcp();
    const own = await agent('echo', repeat);
    const client = acpClient(streamTo(way));
    const sessionId = await client.begin();
    for (const [method, params] of [
      ['session/set_mode', { sessionId, modeId: 'x' }],
      ['session/load', { sessionId, cwd: '/', mcpServers: [] }],
      ['session/list', {}],
      ['session/set_config_option', { sessionId, configId: 'x', value: 'y' }],
      ['authenticate', { methodId: 'x' }],
    ] as const)
      await expect(client.agent.request(method as string, params)).rejects.toMatchObject({ code: -32601 });
    const audio = { type: 'audio', data: '', mimeType: 'audio/wav' } as const;
    await expect(client.agent.request('session/prompt', { sessionId, prompt: [audio] })).rejects.toMatchObject({
      code: -32602,
      message: 'content of type audio is not taken',
    });
    await own.agent.close();
    await expect(client.open()).rejects.toMatchObject({ code: -32603, message: 'the agent echo is not attached' });
  });
});
