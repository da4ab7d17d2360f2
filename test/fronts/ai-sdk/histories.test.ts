import type { Chat } from '@ai-sdk/react';
import { isToolUIPart, type UIMessage } from 'ai';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventually } from '../../browser/support/eventually.ts';
import { type Deed, endOf, histories, play, textOf } from '../agent-histories.ts';
import { deferred, startFronts } from '../front-scene.ts';
import { textIn, windowOf } from './window.ts';

const RELOAD: Deed = { do: 'reload' };

test('whatever an agent does, and whenever its window is loaded anew, the AI SDK reads it to its end', async () => {
  const scene = await startFronts();
  const scripts = new Map<string, { deeds: readonly Deed[]; reload: () => Promise<void>; over: () => void }>();
  await scene.agent('echo', async (turn) => {
    const script = scripts.get(turn.prompt);
    await play(turn, script?.deeds ?? [], script?.reload);
    script?.over();
  });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(histories([fc.constant(RELOAD)]), async (deeds) => {
      count += 1;
      const id = `chat-${count}`;
      const errors: Error[] = [];
      const windows: Chat<UIMessage>[] = [];
      const open = (messages: UIMessage[] = []) => {
        const window: Chat<UIMessage> = windowOf(
          { scene, id, body: { tools: [{ name: 'clock' }] } },
          {
            messages,
            onError: (error) => errors.push(error),
            onToolCall({ toolCall: { toolCallId, dynamic } }) {
              if (!dynamic) void window.addToolOutput({ tool: 'clock', toolCallId, output: 'noon' } as never);
            },
            // A person who says yes to everything, once the window is ready.
            onFinish({ message }) {
              setImmediate(() => {
                for (const part of message.parts)
                  if (isToolUIPart(part) && part.state === 'approval-requested')
                    void window.addToolApprovalResponse({ id: part.approval.id, approved: true });
              });
            },
          },
        );
        windows.push(window);
        return window;
      };
      const reload = async () => {
        const { messages } = windows.at(-1) as Chat<UIMessage>;
        await windows.at(-1)?.stop();
        const next = open(messages);
        void next.resumeStream();
        // It is read from there on, whatever comes.
        await eventually(() => next.status).not.toBe('ready');
      };
      const { promise: isOver, resolve: over } = deferred();
      scripts.set(id, { deeds, reload, over });
      await open().sendMessage({ text: id });
      await isOver;
      const { kind, finish_reason: reason } = endOf(deeds);
      const isFailure = kind !== 'done';
      await eventually(() => windows.at(-1)?.status).toBe(isFailure ? 'error' : 'ready');
      const last = () => windows.at(-1)?.lastMessage;
      await eventually(() => textIn(last())).toBe(textOf(deeds));
      expect(errors.map(({ message }) => message)).toEqual(isFailure ? [kind === 'error' ? 'it broke' : 'log in'] : []);
      if (reason !== 'cancelled' && !isFailure) await eventually(() => windows.at(-1)?.status).toBe('ready');
      for (const part of last()?.parts.filter(isToolUIPart) ?? [])
        expect(part.state).toMatch(/^output-(?:available|error|denied)$/);
    }),
    { numRuns: 40, timeout: 8_000, endOnFailure: true },
  );
}, 60_000);
