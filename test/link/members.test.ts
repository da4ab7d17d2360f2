import { describe, expect, it } from 'vitest';
import { readHead } from '../../link/frame.ts';
import { heartbeatFrame, readHeartbeat } from '../../link/heartbeat.ts';
import { DEAD_MS, HEARTBEAT_MS, MAX_MEMBERS, Members, SUSPECT_MS } from '../../link/members.ts';
import { StillClock } from './support/still-clock.ts';

const beat = (id: string, epoch = `${id}-1`) => ({ id, epoch, urls: ['ws://127.0.0.1:1'], load: 0.5, turns: 3 });

function scene() {
  const clock = new StillClock();
  const told: string[] = [];
  const note = (what: string) => (member: { id: string; epoch: string; status: string }) =>
    void told.push(`${what} ${member.epoch} ${member.status}`);
  const members = new Members(clock, {
    joined: note('joined'),
    suspected: note('suspected'),
    recovered: note('recovered'),
    died: note('died'),
    forgotten: note('forgotten'),
  });
  /** Time goes by, and this broker's own heartbeats with it. */
  const pass = (ms: number, hears = true) => {
    for (let passed = 0; passed < ms; passed += HEARTBEAT_MS) {
      clock.advance(HEARTBEAT_MS);
      members.judge(clock.now(), hears);
    }
  };
  return { clock, told, members, pass };
}

describe('a broker', () => {
  it('that is heard of › is there, as its last heartbeat tells', () => {
    const { members, told } = scene();
    members.heard(beat('b'));
    members.heard({ ...beat('b'), turns: 4 });
    expect(told).toEqual(['joined b-1 alive']);
    expect([...members]).toEqual([{ ...beat('b'), turns: 4, status: 'alive' }]);
  });

  it('that is silent › is suspect after two seconds, and dead after four', () => {
    const { members, told, pass } = scene();
    members.heard(beat('b'));
    pass(SUSPECT_MS - HEARTBEAT_MS);
    expect(told).toEqual(['joined b-1 alive']);
    pass(HEARTBEAT_MS);
    expect(told.slice(1)).toEqual(['suspected b-1 suspect']);
    pass(DEAD_MS - SUSPECT_MS);
    pass(10_000);
    expect(told.slice(2)).toEqual(['died b-1 dead']);
    members.heard(beat('b'));
    expect(told.slice(3)).toEqual(['joined b-1 alive']);
    pass(59_000);
    expect(told.slice(4)).toEqual(['suspected b-1 suspect', 'died b-1 dead']);
    pass(1_500);
    expect(told.slice(6)).toEqual(['forgotten b-1 dead']);
    expect([...members]).toEqual([]);
  });

  it('that is heard of again in time › recovers; in another life it joins anew', () => {
    const { members, told, pass } = scene();
    members.heard(beat('b'));
    pass(SUSPECT_MS);
    members.heard(beat('b'));
    members.heard(beat('b', 'b-2'));
    expect(told.slice(2)).toEqual(['recovered b-1 alive', 'joined b-2 alive']);
  });

  it('whose heartbeats are late, but of which something else is heard › is there', () => {
    const { members, told, pass } = scene();
    members.heard(beat('b'));
    for (let n = 0; n < 5; n += 1) {
      pass(SUSPECT_MS - HEARTBEAT_MS);
      members.seen('b');
    }
    pass(SUSPECT_MS);
    members.seen('b');
    expect(told).toEqual(['joined b-1 alive', 'suspected b-1 suspect', 'recovered b-1 alive']);
    pass(DEAD_MS);
    for (const id of ['b', 'nobody']) members.seen(id);
    expect([told.at(-1), [...members].length]).toEqual(['died b-1 dead', 1]);
  });

  it('is not judged for the time in which whoever judges was stopped', () => {
    const { members, told, clock } = scene();
    members.heard(beat('b'));
    const due = clock.now() + HEARTBEAT_MS;
    clock.sleep(15_000);
    members.judge(due, true);
    expect(told).toHaveLength(1);
    // What waited in the socket is read now.
    members.heard(beat('b'));
    clock.advance(1_000);
    members.judge(clock.now(), true);
    expect(told).toHaveLength(1);
  });

  it('is not judged for the time in which nobody could be heard', () => {
    const { members, told, pass } = scene();
    members.heard(beat('b'));
    pass(30_000, false);
    pass(SUSPECT_MS - HEARTBEAT_MS);
    expect(told).toHaveLength(1);
    pass(HEARTBEAT_MS);
    expect(told.slice(1)).toEqual(['suspected b-1 suspect']);
  });

  it('is forgotten a minute after, and its place is given to another where all are taken', () => {
    const { members, told, pass } = scene();
    for (let n = 0; n < MAX_MEMBERS; n += 1) members.heard(beat(`b${n}`));
    members.heard(beat('one-too-many'));
    expect(members.get('one-too-many')).toBeUndefined();
    pass(DEAD_MS);
    members.heard(beat('another'));
    expect(members.get('another')?.status).toBe('alive');
    expect([...members]).toHaveLength(MAX_MEMBERS);
    expect(told.filter((line) => line.startsWith('died'))).toHaveLength(MAX_MEMBERS);
    pass(60_000);
    expect([...members]).toEqual([]);
  });
});

describe('a heartbeat', () => {
  const bodyOf = (frame: Buffer) => frame.subarray(readHead(frame)?.bodyAt);

  it('is read as it was written, and only as of whoever it is', () => {
    const body = bodyOf(heartbeatFrame(beat('b')));
    expect(readHeartbeat(body, 'b')).toEqual(beat('b'));
    expect(readHeartbeat(body, 'c')).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['no JSON', undefined],
    ['no object', 'b'],
    ['no epoch', { ...beat('b'), epoch: '' }],
    ['too many addresses', { ...beat('b'), urls: Array(9).fill('ws://h') }],
    ['a load that is none', { ...beat('b'), load: -1 }],
    ['half a turn', { ...beat('b'), turns: 0.5 }],
    ['more than it may have', { ...beat('b'), more: 'x'.repeat(20_000) }],
  ])('with %s › is none', (_what, said) => {
    expect(readHeartbeat(Buffer.from(JSON.stringify(said) ?? '{'), 'b')).toBeUndefined();
  });
});
