import { describe, expect, it } from 'vitest';
import { windowOf } from '../../console/charts/sequence-window.ts';
import type { Moment } from '../../console/runs/turn/moments.ts';
import { Player } from '../../console/runs/turn/player.ts';

/** Moments at these times, with ten records each. One of a run lasts until its second time. */
function moments(...times: (number | [at: number, busy: number])[]): Moment[] {
  return times.map((time, index) => {
    const [at, busy] = typeof time === 'number' ? [time, time] : time;
    return { event: index * 10, until: index * 10 + 9, at, busy };
  });
}

function playerOf(times: Parameters<typeof moments>, event?: number) {
  const player = new Player(event);
  const all = moments(...times);
  player.renew(all, all.at(-1)?.at ?? 0);
  return player;
}

describe('a player', () => {
  it('begins at the end, or at the moment of the record that the address names', () => {
    expect(playerOf([0, 10, 20]).index.value).toBe(2);
    expect(playerOf([0, 10, 20], 14).index.value).toBe(1);
    expect(playerOf([0, 10, 20], 999).index.value).toBe(2);
    expect(playerOf([]).index.value).toBe(-1);
  });

  it('steps to its ends and no further', () => {
    const player = playerOf([0, 10, 20], 0);
    player.step(-1);
    expect(player.index.value).toBe(0);
    player.step(1);
    expect([player.index.value, player.at.value]).toEqual([1, 10]);
    player.step(10);
    expect(player.index.value).toBe(2);
  });

  it('plays as fast as it is told, and stops at the end', () => {
    const player = playerOf([0, 100, 300], 0);
    player.toggle();
    player.tick(99);
    expect([player.index.value, player.at.value]).toEqual([0, 99]);
    player.tick(1);
    expect(player.index.value).toBe(1);
    player.speed.value = 10;
    player.tick(10);
    expect(player.at.value).toBe(200);
    player.speed.value = 0.1;
    player.tick(10);
    expect(player.at.value).toBe(201);
    player.tick(10_000);
    expect([player.index.value, player.isPlaying.value]).toEqual([2, false]);
    // From the end it plays again.
    player.toggle();
    expect([player.index.value, player.isPlaying.value]).toEqual([0, true]);
  });

  it('shortens a pause, where that is wanted, and never what was being said', () => {
    const player = playerOf([[0, 5_000], 65_000], 0);
    player.toggle();
    player.tick(4_000);
    expect(player.at.value).toBe(4_000);
    player.tick(1_000 + 1_499);
    expect([player.index.value, player.at.value]).toEqual([0, 64_999]);
    player.tick(1);
    expect(player.index.value).toBe(1);
    player.skipsPauses.value = false;
    player.seek(0);
    player.toggle();
    player.tick(60_000);
    expect([player.index.value, player.at.value]).toEqual([0, 60_000]);
  });

  it('goes along with a turn that grows, until somebody has moved', () => {
    const player = playerOf([0, 10]);
    player.renew(moments(0, 10, 20), 20);
    expect(player.index.value).toBe(2);
    player.step(-1);
    player.renew(moments(0, 10, 20, 30), 30);
    expect([player.index.value, player.at.value]).toEqual([1, 10]);
    player.follow();
    expect(player.index.value).toBe(3);
    player.renew(moments(0, 10, 20, 30, 40), 40);
    expect(player.index.value).toBe(4);
  });

  it('stays at its record where there are more arrows for the same records', () => {
    const player = playerOf([0, 10, 20], 10);
    const finer = moments(0, 5, 10, 15, 20).map((moment, index) => ({
      ...moment,
      event: index * 5,
      until: index * 5 + 4,
    }));
    player.renew(finer, 20);
    expect([player.index.value, player.moments.value[player.index.value]?.event]).toEqual([2, 10]);
  });
});

describe('the rows of a sequence that are drawn', () => {
  it('are those in sight and some beyond, and the rest is room', () => {
    expect(windowOf(10_000, 27 * 5_000, 270, undefined)).toEqual({
      first: 4_988,
      end: 5_023,
      before: 4_988 * 27,
      behind: (10_000 - 5_023) * 27,
    });
    expect(windowOf(3, -40, 800, undefined)).toEqual({ first: 0, end: 3, before: 0, behind: 0 });
  });

  it('with one opened above them › are further down by its height', () => {
    const open = { row: 10, more: 270 };
    const plain = windowOf(1_000, 27 * 500, 270, undefined);
    const shifted = windowOf(1_000, 27 * 510, 270, open);
    expect([shifted.first, shifted.end]).toEqual([plain.first, plain.end]);
    expect(shifted.before).toBe(plain.before + 270);
    expect(shifted.behind).toBe(plain.behind);
    // While it is in sight itself, so is what is below it.
    expect(windowOf(1_000, 27 * 12, 270, open)).toMatchObject({ first: 0, before: 0 });
  });
});
