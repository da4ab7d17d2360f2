import { beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { WellBehavedPair } from '../e2e/support/well-behaved-pair.ts';
import { ofProof } from './support/extent.ts';
import { lastFrames } from './support/garbage-client.ts';
import { liveOnce } from './support/garbage-lane.ts';
import { expectNoLeak, expectNothingLeft, forgetTheLast, Heap, WATCHED_HEAP } from './support/leftovers.ts';
import { proofSeed, Random } from './support/random.ts';

const FRAMES = ofProof(120_000, 9_600);
const LANES = 4;
/**
 * What the second half of the frames may add to the heap: of all of them 17 bytes a frame. A leak adds its part in each of its spans; turns that
 * have ended and facts, which are kept for a while, do so in some.
 */
const HEAP_GROWTH = 1024 * 1024;
const SPANS = ofProof(4, 2);

let daemon: Daemon;
let pair: WellBehavedPair;

beforeAll(async () => {
  daemon = await startDaemon(WATCHED_HEAP);
  pair = await WellBehavedPair.start(daemon);
});

describe(`${FRAMES} frames that were valid once`, () => {
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
    // So many more: all lanes end what they have begun, and a span of the heap's in which nothing was sent would show no leak.
    const send = async (more: number) => {
      const until = sent + more;
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
    const readings = [before];
    for (let span = 0; span < SPANS; span += 1) {
      await send(FRAMES / 2 / SPANS);
      readings.push(await heap.collected());
    }
    const after = readings.at(-1) ?? before;
    expectNoLeak(readings, HEAP_GROWTH / SPANS);
    // One that is just being closed, perhaps.
    expect(after.sockets).toBeLessThanOrEqual(before.sockets + 1);

    await pair.stop();
    // Goals stay when who has set them goes, until they are cleared.
    const owners = [await daemon.host(), ...(await Promise.all(lanes.map(({ agentId }) => daemon.agent(agentId))))];
    for (const owner of owners) {
      await owner.ok('goal.clear', {});
      owner.close();
      await owner.closed;
    }
    await expectNothingLeft(daemon);
    expect((await daemon.get('/healthz')).status).toBe(200);
  });
});
