import { beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { WellBehavedPair } from '../e2e/support/well-behaved-pair.ts';
import { type ByteLife, fallSilent, liveOnce } from './support/byte-lane.ts';
import { ofProof } from './support/extent.ts';
import { expectNoLeak, expectNothingLeft, forgetTheLast, Heap, WATCHED_HEAP } from './support/leftovers.ts';
import { proofSeed, Random } from './support/random.ts';

const FRAMES = ofProof(80_000, 10_000);
const LANES = 6;
const SILENT = 30;
/** What each of the last two quarters of the frames may add to the heap: 13 bytes a frame of all of them. */
const HEAP_GROWTH = 256 * 1024;

let daemon: Daemon;
let pair: WellBehavedPair;

beforeAll(async () => {
  daemon = await startDaemon(WATCHED_HEAP);
  pair = await WellBehavedPair.start(daemon);
});

describe(`${FRAMES} frames, and heads of HTTP, that are broken as bytes`, () => {
  it('close their own connection, with its code, and disturb nobody', { timeout: 300_000 }, async () => {
    const random = new Random(proofSeed('garbage-bytes'));
    const life = (fork: Random): ByteLife => ({
      port: Number(new URL(daemon.url).port),
      token: daemon.tokens.daemon,
      random: fork,
    });
    let sent = 0;
    const lane = async (own: Random, until: number) => {
      for (let i = 0; sent < until; i += 1) {
        // Not `sent += await`: that would forget what the other lanes have added meanwhile.
        const frames = await liveOnce(life(own.fork(i)));
        sent += frames;
      }
    };
    const lanes = (until: number) =>
      Promise.all(Array.from({ length: LANES }, (_, i) => lane(random.fork(until + i), until)));

    const silent = Promise.all(Array.from({ length: SILENT }, (_, i) => fallSilent(life(random.fork(-i)))));
    await lanes(FRAMES / 2);
    // Unauthenticated for five seconds.
    expect(new Set(await silent)).toEqual(new Set([4401]));
    const heap = await Heap.of(daemon);
    await forgetTheLast(daemon);
    const before = await heap.collected();
    const quarters = [before];
    for (const until of [(FRAMES / 4) * 3, FRAMES]) {
      await lanes(until);
      await pair.chats(2);
      await forgetTheLast(daemon);
      quarters.push(await heap.collected());
    }
    expectNoLeak(quarters, HEAP_GROWTH);
    // The pair's two, and the one that the metrics were read on, perhaps.
    expect(quarters.at(-1)?.sockets).toBeLessThanOrEqual(before.sockets + 1);

    await pair.stop();
    await expectNothingLeft(daemon);
    expect((await daemon.get('/healthz')).status).toBe(200);
  });
});
