import type { Target } from '../targets/target.ts';
import type { Fleet } from './fleet.ts';
import { chatEventFrame } from './plan.ts';
import { SseStream } from './sse-run.ts';

/** Chats of which the first byte is waited for. */
export const FIRSTS = 200;

/** How long the first byte of an answer takes from the agent's first token: one chat after the other, in ms each. */
export async function firstBytes(target: Target, fleet: Fleet): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < FIRSTS; at += 1) {
    const sessionId = `first-${at}`;
    const stream = new SseStream(target, 0, sessionId);
    await stream.begun;
    const agent = fleet.agents[0];
    const arrived = new Promise<number>((resolve) => {
      stream.onData = (data) => {
        if (data.includes('"content":"word"')) resolve(performance.now());
      };
    });
    const from = performance.now();
    agent?.write(chatEventFrame(sessionId, { kind: 'token', delta: 'word' }));
    times.push((await arrived) - from);
    agent?.write(chatEventFrame(sessionId, { kind: 'done', finish_reason: 'stop' }));
    await stream.ended;
    stream.leave();
  }
  return times;
}
