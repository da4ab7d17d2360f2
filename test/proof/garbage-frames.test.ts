import { beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { WellBehavedPair } from '../e2e/support/well-behaved-pair.ts';
import { lastFrames } from './support/garbage-client.ts';
import { liveOnce } from './support/garbage-lane.ts';
import { expectNothingLeft, forgetTheLast, Heap, WITH_HEAP } from './support/leftovers.ts';
import { proofSeed, Random } from './support/random.ts';

const FRAMES = 120_000;
const LANES = 4;
/** What the second half of the frames may add to the heap: 17 bytes a frame. */
const HEAP_GROWTH = 1024 * 1024;

let daemon: Daemon;
let pair: WellBehavedPair;

beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--log-level', 'info'], env: WITH_HEAP });
  pair = await WellBehavedPair.start(daemon);
});

describe('120,000 frames that were valid once', () => {
  it('are each answered as the contract says, leave nothing, and disturb nobody', { timeout: 300_000 }, async () => {
    const random = new Random(proofSeed('garbage-frames'));
    onTestFailed(() => console.log(lastFrames()));
    const port = Number(new URL(daemon.url).port);
    const lanes = await Promise.all(
      Array.from({ length: LANES }, async (_, index) => {
        const agentId = `garbage-${index}`;
        return { agentId, agentToken: await daemon.register(agentId), random: random.fork(index), lives: 0 };
      }),
    );
    const strangers = () => (pair.session === undefined ? [] : [pair.session]);
    let sent = 0;
    const send = async (until: number) => {
      const live = async (lane: (typeof lanes)[number]) => {
        for (; sent < until; lane.lives += 1) {
          // Not `sent += await`: that would forget what the other lanes have added meanwhile.
          const frames = await liveOnce({ ...lane, daemon, port, random: lane.random.fork(lane.lives), strangers });
          sent += frames;
        }
      };
      await Promise.all(lanes.map(live));
      await pair.chats(2);
      await forgetTheLast(daemon);
    };
    await send(FRAMES / 2);
    const heap = await Heap.of(daemon);
    const before = await heap.collected();
    await send(FRAMES);
    const after = await heap.collected();
    expect(after.bytes - before.bytes).toBeLessThan(HEAP_GROWTH);
    // One that is just being closed, perhaps.
    expect(after.sockets).toBeLessThanOrEqual(before.sockets + 1);

    await pair.stop();
    await expectNothingLeft(daemon);
    expect((await daemon.get('/healthz')).status).toBe(200);
  });
});
