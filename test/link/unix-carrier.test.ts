import { existsSync, mkdirSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { FrameKind, textFrame } from '../../link/frame.ts';
import { CLOSE_MS, MAX_CONNECTED, MAX_UNNAMED, UnixCarrier } from '../../link/unix-carrier.ts';
import { GREETING_MS, LINE_BYTES } from '../../link/unix-line.ts';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';
import { brokerOf, slowClock } from './support/broker.ts';
import { StillClock } from './support/still-clock.ts';

const greeting = (name: string) => Buffer.concat([Buffer.from('SWBLINK1'), Buffer.of(name.length), Buffer.from(name)]);

/** A broker on its own socket, within reach of those peers. */
async function start(directory: string, id: string, peers: string[], epoch = `${id}-1`) {
  const carrier = new UnixCarrier({ self: id, directory });
  const broker = brokerOf(id, carrier, { epoch, clock: slowClock });
  for (const peer of peers) carrier.connect(peer);
  await broker.peers.open();
  own(() => broker.peers.close());
  return broker;
}

/** A connection to that broker's socket, by somebody who says whatever the test wants. */
function dial(directory: string, id: string): Socket & { isGone: Promise<void> } {
  const socket = connect(join(directory, `${id}.sock`));
  socket.on('error', () => {});
  socket.resume();
  own(() => socket.destroy());
  return Object.assign(socket, { isGone: new Promise<void>((resolve) => socket.once('close', () => resolve())) });
}

/** A carrier alone, on a clock that stands still. */
async function bare(directory: string, id: string) {
  const clock = new StillClock();
  const carrier = new UnixCarrier({ self: id, directory, clock });
  const told: string[] = [];
  await carrier.open({
    frame: (frame, peer) => told.push(`${frame.length} bytes of ${peer}`),
    reachable: (peer) => told.push(`reachable ${peer}`),
    unreachable: (peer) => told.push(`unreachable ${peer}`),
    writable: (peer) => told.push(`writable ${peer}`),
  });
  own(() => carrier.close());
  return { carrier, clock, told };
}

describe('UnixCarrier', () => {
  it('listens where nobody else can look, and leaves nothing behind', async () => {
    const directory = join(temporaryDirectory(), 'link');
    mkdirSync(directory, { mode: 0o755 });
    const { carrier } = await bare(directory, 'b');
    const path = join(directory, 'b.sock');
    expect([statSync(directory).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
    await carrier.close();
    expect(existsSync(path)).toBe(false);
  });

  it('does not take the socket of a broker that runs', async () => {
    const directory = temporaryDirectory();
    await start(directory, 'b', []);
    await expect(start(directory, 'b', [])).rejects.toThrow('another broker listens');
    const a = await start(directory, 'a', ['b']);
    await vi.waitFor(() => expect(a.heard).toContain('opened b-1'));
  });

  it.each(['', '../b', 'b.c', 'b'.repeat(65), 'é'])('takes no broker that is called %j', (name) => {
    expect(() => new UnixCarrier({ self: name, directory: '/tmp' })).toThrow(RangeError);
    expect(() => new UnixCarrier({ self: 'a', directory: '/tmp' }).connect(name)).toThrow(RangeError);
  });

  it('takes no path that no socket can have', () => {
    expect(() => new UnixCarrier({ self: 'a', directory: `/tmp/${'x'.repeat(110)}` })).toThrow('longer than');
  });

  it('connects whoever is there first with whoever comes, and carries what they say, long and short', async () => {
    const directory = temporaryDirectory();
    const a = await start(directory, 'a', ['b']);
    const b = await start(directory, 'b', ['a']);
    await vi.waitFor(() => expect(a.heard).toEqual(expect.arrayContaining(['joined b-1', 'opened b-1'])));
    await vi.waitFor(() => expect(b.heard).toContain('opened a-1'));
    const said = () => b.heard.filter((line) => line.includes(' of a: '));
    const long = 'x'.repeat(3 * 1024 * 1024);
    a.peers.link('b')?.send({ kind: 'open', stream: 1, body: long });
    const all = Array.from({ length: 20_000 }, (_, n) => `${n}`);
    for (const delta of all) a.say('b', delta);
    b.say('a', 'back');
    await vi.waitFor(() => expect(said()).toHaveLength(1 + all.length));
    expect(said()).toEqual([`open of a: ${long}`, ...all.map((delta) => `token of a: ${delta}`)]);
    await vi.waitFor(() => expect(a.heard).toContain('token of b: back'));
    await vi.waitFor(() => expect(a.peers.link('b')?.waitingBytes).toBe(0));
  });

  it('has another way to a peer when one is cut, and nothing is lost on the way', async () => {
    const directory = temporaryDirectory();
    const a = await start(directory, 'a', ['b']);
    const b = await start(directory, 'b', []);
    await vi.waitFor(() => expect(a.heard).toContain('opened b-1'));
    const said: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 500; n += 1) {
        const delta = `${said.length} ${'x'.repeat(200)}`;
        said.push(delta);
        a.say('b', delta);
      }
      // Somebody comes as a: the connection of before is left for it.
      const intruder = dial(directory, 'b');
      intruder.write(greeting('a'));
      await intruder.isGone;
    }
    await vi.waitFor(() => expect(b.heard.filter((line) => line.startsWith('token'))).toHaveLength(said.length));
    expect(b.heard.filter((line) => line.startsWith('token'))).toEqual(said.map((delta) => `token of a: ${delta}`));
    expect(a.heard.filter((line) => line.startsWith('lost'))).toEqual([]);
  });

  it('whose peer begins another life › has a link with that', async () => {
    const directory = temporaryDirectory();
    const a = await start(directory, 'a', ['b']);
    const b = await start(directory, 'b', []);
    await vi.waitFor(() => expect(a.heard).toContain('opened b-1'));
    await vi.waitFor(() => expect(b.heard).toContain('opened a-1'));
    await b.peers.close();
    await vi.waitFor(() => expect(a.heard).toContain('lost b left'));
    await start(directory, 'b', [], 'b-2');
    await vi.waitFor(() => expect(a.heard).toEqual(expect.arrayContaining(['opened b-2', 'joined b-2'])));
  });
});

describe('a connection', () => {
  it.each<[string, Buffer]>([
    ['something else', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a name that is none', greeting('../../etc')],
    ['a name that is too long', greeting('b'.repeat(65))],
    ['the name of who is to be called, and calls itself', greeting('z')],
    ['its own name', greeting('b')],
  ])('that says %s › is cut', async (_what, bytes) => {
    const directory = temporaryDirectory();
    const { told } = await bare(directory, 'b');
    const stranger = dial(directory, 'b');
    stranger.write(bytes);
    await stranger.isGone;
    expect(told).toEqual([]);
  });

  it('that says its name byte by byte › is taken; one that does not say it in time is cut', async () => {
    const directory = temporaryDirectory();
    const { told, clock, carrier } = await bare(directory, 'b');
    const slow = dial(directory, 'b');
    const silent = dial(directory, 'b');
    silent.write(greeting('a').subarray(0, 5));
    for (const byte of greeting('a')) {
      slow.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitFor(() => expect(told).toEqual(['reachable a']));
    await vi.waitFor(() => expect(clock.armed).toBe(1));
    clock.advance(GREETING_MS);
    await silent.isGone;
    expect(carrier.reaches('a')).toBe(true);
  });

  it('that sends a frame longer than any › is cut, after what came before', async () => {
    const directory = temporaryDirectory();
    const { told } = await bare(directory, 'b');
    const peer = dial(directory, 'b');
    const head = { kind: FrameKind.hello, flags: 0, ours: 1, theirs: 0, lseq: 0, ack: 0, from: 'a' } as const;
    const frame = textFrame(head, 'epoch');
    peer.write(Buffer.concat([greeting('a'), frame, Buffer.from([255, 255, 255, 255, 1])]));
    await peer.isGone;
    await vi.waitFor(() => expect(told).toEqual(['reachable a', `${frame.length} bytes of a`, 'unreachable a']));
  });

  it('that sends in the name of another › is not believed', async () => {
    const directory = temporaryDirectory();
    const b = await start(directory, 'c', []);
    const peer = dial(directory, 'c');
    const head = { kind: FrameKind.hello, flags: 0, ours: 1, theirs: 0, lseq: 0, ack: 0, from: 'b' } as const;
    peer.write(Buffer.concat([greeting('a'), textFrame(head, 'epoch')]));
    await vi.waitFor(() => expect(b.peers.ignoredFrames).toBe(1));
    expect([b.peers.link('b'), b.heard]).toEqual([undefined, []]);
  });

  it('beyond those that have yet to say who they are › is cut at once', async () => {
    const directory = temporaryDirectory();
    const { clock } = await bare(directory, 'b');
    const strangers = Array.from({ length: MAX_UNNAMED }, () => dial(directory, 'b'));
    await vi.waitFor(() => expect(clock.armed).toBe(MAX_UNNAMED));
    await dial(directory, 'b').isGone;
    clock.advance(GREETING_MS);
    await Promise.all(strangers.map(({ isGone }) => isGone));
    const late = dial(directory, 'b');
    late.write(greeting('a'));
    await new Promise((resolve) => late.once('data', resolve));
  });

  it('whose peer does not read › takes so much and no more, says when there is room, and waits for nobody at the end', async () => {
    const directory = temporaryDirectory();
    const { carrier, clock, told } = await bare(directory, 'b');
    const peer = dial(directory, 'b');
    peer.pause();
    peer.write(greeting('a'));
    await vi.waitFor(() => expect(carrier.reaches('a')).toBe(true));
    const frame = Buffer.alloc(64 * 1024);
    /** Bytes that are taken until there is no room. */
    const fill = async () => {
      let taken = 0;
      for (let idle = 0; idle < 20; ) {
        if (carrier.send('a', frame)) taken += frame.length;
        else idle += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return taken;
    };
    // Besides the kernel's own buffers, and those of the end that does not read.
    expect(await fill()).toBeLessThan(LINE_BYTES + 4 * 1024 * 1024);
    // A heartbeat must not wait until there is room.
    const heartbeat = Buffer.from('still here');
    expect(carrier.send('a', heartbeat)).toBe(false);
    carrier.announce(heartbeat);
    let end = Buffer.alloc(0);
    peer.on('data', (chunk: Buffer) => {
      end = Buffer.concat([end, chunk]).subarray(-heartbeat.length);
    });
    peer.resume();
    await vi.waitFor(() => expect(told.at(-1)).toBe('writable a'));
    await vi.waitFor(() => expect(end).toEqual(heartbeat));
    peer.pause();
    await fill();
    const closed = carrier.close();
    clock.advance(CLOSE_MS);
    await closed;
    peer.resume();
    await peer.isGone;
  });

  it('of one peer more than may be connected › is cut', async () => {
    const directory = temporaryDirectory();
    const { told } = await bare(directory, 'b');
    for (let n = 0; n < MAX_CONNECTED; n += 1) {
      const peer = dial(directory, 'b');
      peer.write(greeting(`a${n}`));
      await new Promise((resolve) => peer.once('data', resolve));
    }
    await vi.waitFor(() => expect(told).toHaveLength(MAX_CONNECTED));
    const late = dial(directory, 'b');
    late.write(greeting('a-late'));
    await late.isGone;
    // One that is there already may come by another connection.
    dial(directory, 'b').write(greeting('a7'));
    await vi.waitFor(() => expect(told.at(-1)).toBe('reachable a7'));
    expect(told).toHaveLength(MAX_CONNECTED + 1);
  });
});
