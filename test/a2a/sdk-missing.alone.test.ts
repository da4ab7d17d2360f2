import { expect, test, vi } from 'vitest';
import { SdkA2aClient } from '../../a2a/sdk-client.ts';
import { startA2aAgent } from '../support/a2a-server.ts';

/* Alone in its file: what loads the SDK once has it for good. */

test('SdkA2aClient › when its SDK cannot be loaded, and then can › then the next action is sent', async () => {
  const agent = await startA2aAgent({ think: () => ({ text: 'hello' }) });
  try {
    const action = { name: 'go', surfaceId: 's', sourceComponentId: 'b', timestamp: '', context: {} };
    const message = {
      endpoint: agent.url,
      headers: {},
      messageId: 'm-1',
      taskId: undefined,
      contextId: undefined,
      action,
      maxAnswerBytes: 1024 * 1024,
      signal: new AbortController().signal,
    };
    vi.doMock('@a2a-js/sdk/client', () => {
      throw new Error('EMFILE: too many open files');
    });
    const client = new SdkA2aClient();
    await expect(client.send(message)).rejects.toThrow();
    expect(agent.heard).toEqual([]);
    vi.doUnmock('@a2a-js/sdk/client');
    expect(await client.send(message)).toMatchObject({ text: 'hello' });
  } finally {
    await agent.close();
  }
});
