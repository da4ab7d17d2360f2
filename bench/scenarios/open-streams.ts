import { setTimeout as sleep } from 'node:timers/promises';
import { firstBytes } from '../load/first-bytes.ts';
import { Fleet } from '../load/fleet.ts';
import { measure } from '../load/measure.ts';
import { chatEventFrame } from '../load/plan.ts';
import { SseStream } from '../load/sse-run.ts';
import { number, withSpread } from '../report.ts';
import type { Outcome, Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';

/** Streams that are opened at once, within the listeners' backlog and what an agent takes in time. */
const AT_ONCE = 50;
const AGENTS = 10;
const DONE = { kind: 'done', finish_reason: 'stop' };

interface Opened {
  stream: SseStream;
  sessionId: string;
  /** Its number. */
  agent: number;
}

/**
 * Chats by the OpenAI front that are open and say nothing, all of one person: what each holds, what they cost, and how others are
 * answered beside them.
 * @param firstMs the goal for the first byte of an answer beside them.
 */
export async function openStreams({ cores, sizes }: Setting, firstMs: number): Promise<Outcome> {
  const { streams: count, idleSeconds, settleMs } = sizes;
  // One person may have a thousand, unless somebody says so.
  const target = await startDaemon(cores, ['--max-turns-per-connection', String(count + 100)]);
  try {
    const fleet = await Fleet.open(target, AGENTS, 1);
    const open = async (many: number, name: string) => {
      const opened: Opened[] = [];
      while (opened.length < many) {
        const batch = Array.from({ length: Math.min(AT_ONCE, many - opened.length) }, (_, at) => {
          const sessionId = `${name}-${opened.length + at}`;
          return { sessionId, agent: at % AGENTS, stream: new SseStream(target, at % AGENTS, sessionId) };
        });
        await Promise.all(batch.map(({ stream }) => stream.begun));
        opened.push(...batch);
      }
      return opened;
    };
    const end = async (opened: readonly Opened[]) => {
      for (const { agent, sessionId } of opened) fleet.agents[agent]?.write(chatEventFrame(sessionId, DONE));
      await Promise.all(opened.map(({ stream }) => stream.ended));
      for (const { stream } of opened) stream.leave();
    };
    // Some have come and gone before, so that what is made once is not counted.
    await end(await open(Math.ceil(count / 20), 'gone'));
    await sleep(settleMs);
    const before = await target.memory();
    const streams = await open(count, 'idle');
    await sleep(settleMs);
    const after = await target.memory();
    const idle = await measure(target, () => sleep(idleSeconds * 1_000));
    const firsts = await firstBytes(target, fleet);
    await end(streams);
    fleet.close();
    const heap = (after.heapUsed - before.heapUsed) / count;
    const resident = (after.rss - before.rss) / count;
    const first = median(firsts);
    return {
      tables: [
        {
          title: `${number(count, 0)} open streams that say nothing`,
          columns: ['', 'heap each, bytes', 'resident each, bytes', 'busy %', 'first byte beside them, ms'],
          rows: [
            ['SSE', number(heap, 0), number(resident, 0), number(idle.targetBusy * 100, 1), withSpread(firsts, 2)],
          ],
        },
      ],
      goals: [
        {
          what: 'open streams that say nothing',
          wanted: number(count, 0),
          measured: number(streams.length, 0),
          met: streams.length === count,
        },
        {
          what: 'first byte beside them',
          wanted: `≤ ${firstMs} ms`,
          measured: `${number(first, 2)} ms`,
          met: first <= firstMs,
        },
      ],
      raw: { count, heap, resident, idle, firsts },
    };
  } finally {
    target.stop();
  }
}
