import { isToolUIPart } from 'ai';
import { describe, expect, test } from 'vitest';
import { connectHost, type OnChat } from '../../../client/node.ts';
import { eventually } from '../../browser/support/eventually.ts';
import { cancelled, deferred, startFronts } from '../front-scene.ts';
import { chunksOf, look, said, send, stateOf, stop, textIn, transportOf, windowOf } from './window.ts';

/** Says `one`, and `two` when it may. */
function twoWords(): { onChat: OnChat; go(): void } {
  const { promise, resolve } = deferred();
  return {
    go: resolve,
    async *onChat() {
      yield 'one ';
      await promise;
      yield 'two';
    },
  };
}

const readSome = async (window: ReturnType<typeof windowOf>, text: string) => {
  await eventually(() => textIn(window.lastMessage)).toBe(text);
};

describe('a useChat window › when it is loaded anew half way', () => {
  test('then the turn goes on, and the next one reads all of it', async () => {
    const scene = await startFronts();
    const { onChat, go } = twoWords();
    const { turns } = await scene.agent('echo', onChat);
    const first = windowOf({ scene });
    void first.sendMessage({ text: 'count' });
    await readSome(first, 'one ');
    const { messages } = first;
    await first.stop();
    const second = windowOf({ scene }, { messages });
    void second.resumeStream();
    await eventually(() => second.status).toBe('streaming');
    go();
    await readSome(second, 'one two');
    await eventually(() => second.status).toBe('ready');
    expect(second.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect(second.lastMessage?.id).toBe(messages[1]?.id);
    expect(turns[0]?.signal.aborted).toBe(false);
    expect((await look({ scene })).status).toBe(204);
  });

  test('and its turn ends before the next is there › then that one reads all of it, too', async () => {
    const scene = await startFronts();
    const { onChat, go } = twoWords();
    await scene.agent('echo', onChat);
    const first = windowOf({ scene });
    void first.sendMessage({ text: 'count' });
    await readSome(first, 'one ');
    await first.stop();
    await eventually(async () => (await stateOf(scene)).turns).toEqual(['detached']);
    go();
    await eventually(async () => (await stateOf(scene)).turns).toEqual([]);
    const second = windowOf({ scene });
    await second.resumeStream();
    expect(textIn(second.lastMessage)).toBe('one two');
  });

  test('before the agent has taken the turn › then the turn is opened all the same', async () => {
    const scene = await startFronts();
    const asked = deferred();
    const may = deferred();
    await scene.agent('echo', () => ['all of it'], {
      accept: async () => {
        asked.resolve();
        await may.promise;
      },
    });
    const leave = new AbortController();
    const refused = send({ scene }, [said('hi')], { signal: leave.signal });
    await asked.promise;
    leave.abort();
    await expect(refused).rejects.toThrow();
    // What is sent after the connection was closed is read after that.
    await look({ scene, id: 'another' });
    await look({ scene, id: 'another' });
    const second = windowOf({ scene });
    const read = second.resumeStream();
    may.resolve();
    await read;
    expect(textIn(second.lastMessage)).toBe('all of it');
  });

  test('and the first is still there › then it reads no more, and has no error', async () => {
    const scene = await startFronts();
    const { onChat, go } = twoWords();
    await scene.agent('echo', onChat);
    const first = windowOf({ scene });
    void first.sendMessage({ text: 'count' });
    await readSome(first, 'one ');
    expect((await look({ scene }, 'HEAD')).status).toBe(200);
    const second = windowOf({ scene });
    void second.resumeStream();
    await readSome(second, 'one ');
    await eventually(() => first.status).toBe('ready');
    go();
    await readSome(second, 'one two');
    expect(textIn(first.lastMessage)).toBe('one ');
  });

  test('after tools and approvals › then they are told at their places, with what came of them', async () => {
    const scene = await startFronts();
    const { promise, resolve: go } = deferred();
    await scene.agent('echo', async (turn) => {
      turn.token('a');
      const time = await turn.tools.call('clock', {});
      turn.token(`b${time}`);
      const { approved } = await turn.requestApproval({ action: 'wipe' });
      turn.token(`c${approved}`);
      await promise;
      turn.token('d');
    });
    const place = { scene, body: { tools: [{ name: 'clock' }] } };
    const first = windowOf(place, {
      onToolCall({ toolCall: { toolCallId, dynamic } }) {
        if (!dynamic) void first.addToolOutput({ tool: 'clock', toolCallId, output: 5 } as never);
      },
    });
    void first.sendMessage({ text: 'go' });
    const asked = () =>
      first.lastMessage?.parts.find((part) => isToolUIPart(part) && part.state === 'approval-requested');
    await eventually(asked).toBeTruthy();
    await eventually(() => first.status).toBe('ready');
    // It waits for the window, and for nobody who comes back.
    expect((await look({ scene })).status).toBe(204);
    const part = asked();
    void first.addToolApprovalResponse({ id: (part as { approval: { id: string } }).approval.id, approved: true });
    await eventually(() => textIn(first.lastMessage)).toBe('ab5ctrue');
    await first.stop();
    const second = windowOf(place);
    const read = second.resumeStream();
    await eventually(() => second.status).toBe('streaming');
    go();
    await read;
    expect(textIn(second.lastMessage)).toBe('ab5ctrued');
    const told = (message = second.lastMessage) =>
      message?.parts.map((part) => (isToolUIPart(part) ? `${part.type} ${part.state}` : part.type));
    expect(told()).toEqual([
      'step-start',
      'text',
      'tool-clock output-available',
      'step-start',
      'text',
      'dynamic-tool output-available',
      'step-start',
      'text',
    ]);
  });

  test('while a question is open that nobody was shown › then the next one is asked', async () => {
    const scene = await startFronts();
    const { promise, resolve: ask } = deferred();
    await scene.agent('echo', async (turn) => {
      turn.token('one ');
      await promise;
      const { approved } = await turn.requestApproval({ action: 'wipe' });
      turn.token(String(approved));
    });
    const first = windowOf({ scene });
    void first.sendMessage({ text: 'go' });
    await readSome(first, 'one ');
    await first.stop();
    // Not before it is known: else it is this window that was asked.
    await eventually(async () => (await stateOf(scene)).turns).toEqual(['detached']);
    ask();
    await eventually(async () => (await stateOf(scene)).approvals).toBe(1);
    const second = windowOf({ scene });
    await second.resumeStream();
    const part = second.lastMessage?.parts.find(isToolUIPart);
    expect(part?.state).toBe('approval-requested');
    await second.addToolApprovalResponse({ id: part?.approval?.id ?? '', approved: false });
    await eventually(() => textIn(second.lastMessage)).toBe('one false');
  });
});

describe('a useChat window › when nobody comes back to it', () => {
  test('then there is nothing to go on with, and nothing of others', async () => {
    const scene = await startFronts({ broker: { limits: { resumeWindowMs: 1 } } });
    const { turns } = await scene.agent('echo', twoWords().onChat);
    expect((await look({ scene })).status).toBe(204);
    const first = windowOf({ scene });
    void first.sendMessage({ text: 'count' });
    await readSome(first, 'one ');
    await first.stop();
    await cancelled(turns[0] as never);
    await eventually(async () => (await look({ scene })).status).toBe(204);
  });
});

describe('a useChat window › when it does not answer what it was asked', () => {
  const ask: OnChat = async (turn) => {
    const { approved } = await turn.requestApproval({ approvalId: 'a', action: 'wipe' });
    turn.token(`decided: ${approved}`);
  };

  test('for too long › then the turn is cancelled, and nothing waits for the answer', async () => {
    const scene = await startFronts({ parkTimeoutMs: 50 });
    const { turns } = await scene.agent('echo', ask);
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'go' });
    await eventually(() => turns.length).toBe(1);
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
    const id = window.lastMessage?.parts.find(isToolUIPart)?.approval?.id ?? '';
    await window.addToolApprovalResponse({ id, approved: true });
    await eventually(() => window.error?.message).toContain('nothing waits');
  });

  test('and somebody else does › then it reads the rest when it is loaded anew', async () => {
    const scene = await startFronts();
    await scene.agent('echo', ask);
    const first = windowOf({ scene });
    await first.sendMessage({ text: 'go' });
    const host = await connectHost({ link: scene.broker.connect(), hostToken: scene.broker.tokens.host });
    const [approval] = (await host.subscribe()).snapshot.approvals;
    await host.resolveApproval(approval?.id ?? '', 'approve');
    await host.close();
    await eventually(async () => (await look({ scene }, 'HEAD')).status).toBe(200);
    const second = windowOf({ scene }, { messages: first.messages });
    await second.resumeStream();
    expect(textIn(second.lastMessage)).toBe('decided: true');
    expect(second.lastMessage?.parts.find(isToolUIPart)).toMatchObject({ state: 'output-available' });
  });
});

describe('a useChat window › when it is stopped', () => {
  test.each(['while it streams', 'after it was left', 'before it was taken'])(
    '%s › then its turn is cancelled',
    async (when) => {
      const scene = await startFronts();
      const asked = deferred();
      const may = deferred();
      const { onChat } = twoWords();
      const { turns } = await scene.agent('echo', onChat, {
        accept: async () => {
          asked.resolve();
          if (when === 'before it was taken') await may.promise;
        },
      });
      const window = windowOf({ scene });
      void window.sendMessage({ text: 'count' });
      await asked.promise;
      if (when === 'before it was taken') {
        const stopped = stop({ scene });
        expect((await stopped).status).toBe(204);
        may.resolve();
        await eventually(async () => (await stateOf(scene)).turns).toEqual([]);
        expect(turns).toEqual([]);
        return;
      }
      await readSome(window, 'one ');
      if (when === 'after it was left') await window.stop();
      expect((await stop({ scene })).status).toBe(204);
      expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
      await eventually(() => window.status).toBe('ready');
      expect((await look({ scene })).status).toBe(204);
    },
  );

  test('while it waits for the window › then its turn is cancelled', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      await turn.requestApproval({ action: 'wipe' });
    });
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'go' });
    await stop({ scene });
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
    const part = window.lastMessage?.parts.find(isToolUIPart);
    await window.addToolApprovalResponse({ id: part?.approval?.id ?? '', approved: true });
    await eventually(() => window.error?.message).toContain('nothing waits');
  });
});

describe('a useChat window › when two people have chats of one name', () => {
  test('then neither reads, answers or stops the other’s', async () => {
    const scene = await startFronts();
    const { onChat, go } = twoWords();
    const { turns } = await scene.agent('echo', onChat);
    const [ada, eve] = [await scene.key('ada'), await scene.key('eve')];
    const window = windowOf({ scene, key: ada });
    void window.sendMessage({ text: 'count' });
    await readSome(window, 'one ');
    expect((await look({ scene, key: eve })).status).toBe(204);
    expect((await stop({ scene, key: eve })).status).toBe(204);
    const hers = await send({ scene, key: eve }, [said('mine')]);
    go();
    expect((await chunksOf(hers)).at(-1)).toMatchObject({ type: 'finish' });
    await readSome(window, 'one two');
    expect(turns[0]?.sessionId).not.toBe(turns[1]?.sessionId);
    expect(await transportOf({ scene, key: eve }).reconnectToStream({ chatId: 'chat-1' })).toBeNull();
  });
});
