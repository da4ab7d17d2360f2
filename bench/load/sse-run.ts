import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import type { Target } from '../targets/target.ts';
import { readSequence, readTurn } from './delta.ts';
import type { Fleet } from './fleet.ts';
import { measure } from './measure.ts';
import { agentId, chatEventFrame, type Plan } from './plan.ts';
import type { Sender, StreamResult } from './stream-run.ts';

const TILDE = '~'.charCodeAt(0);
const DONE = { kind: 'done', finish_reason: 'stop' };
/** Bytes of a delta that say where it belongs. */
const NAME_BYTES = 20;

/** One chat by the OpenAI front, whose events are read as they come. */
export class SseStream {
  readonly #request: ClientRequest;
  /** Resolves when the agent has taken the turn. */
  readonly begun: Promise<void>;
  /** Resolves with the `[DONE]`. */
  readonly ended: Promise<void>;
  onData: (data: Buffer) => void = () => {};

  constructor(target: Target, agent: number, sessionId: string, prompt = 'go on') {
    this.#request = request(`${target.url.replace(/^ws/, 'http')}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${target.tokens?.daemon}`,
        'content-type': 'application/json',
        'x-switchboard-session': sessionId,
      },
    });
    let end = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.begun = once(this.#request, 'response').then(([answer]) => {
      if (answer.statusCode !== 200) throw new Error(`${sessionId} was answered ${answer.statusCode}`);
      answer.on('data', (data: Buffer) => {
        this.onData(data);
        if (data.includes('[DONE]')) end();
      });
    });
    const messages = [{ role: 'user', content: prompt }];
    this.#request.end(JSON.stringify({ model: agentId(agent), stream: true, messages }));
  }

  leave(): void {
    this.#request.destroy();
  }
}

/** The same as `runStream` with hosts that each read one stream of the OpenAI front. */
export async function runSse(target: Target, fleet: Fleet, plan: Plan, sender: Sender): Promise<StreamResult> {
  const streams = plan.sessions.map(({ agent, sessionId }) => new SseStream(target, agent, sessionId));
  await Promise.all(streams.map(({ begun }) => begun));
  let missing = plan.turns * plan.deltas;
  let finish = () => {};
  let fail: (error: Error) => void = () => {};
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  for (const [turn, stream] of streams.entries()) {
    let rest: Buffer = Buffer.alloc(0);
    let next = 1;
    stream.onData = (data) => {
      const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
      let from = 0;
      for (let at = bytes.indexOf(TILDE); at >= 0; at = bytes.indexOf(TILDE, from)) {
        if (at + NAME_BYTES > bytes.length) break;
        const sequence = readSequence(bytes, at);
        if (readTurn(bytes, at) !== turn || sequence !== next)
          fail(new Error(`turn ${turn} read ${bytes.toString('latin1', at, at + NAME_BYTES)} for delta ${next}`));
        next += 1;
        missing -= 1;
        from = at + NAME_BYTES;
        sender.arrived(turn, sequence, 1);
      }
      rest = bytes.subarray(Math.max(from, bytes.length - NAME_BYTES));
      if (missing === 0) finish();
      else sender.chunkDone?.();
    };
  }
  const cost = await measure(target, async () => {
    sender.start();
    await finished;
  });
  for (const { agent, sessionId } of plan.sessions) fleet.agents[agent]?.write(chatEventFrame(sessionId, DONE));
  await Promise.all(streams.map(({ ended }) => ended));
  const deltas = plan.turns * plan.deltas;
  return { ...cost, deltas, perSecond: (deltas * 1000) / cost.wallMs, cpuPerDeltaUs: cost.cpuUs / deltas };
}
