import { describe, expect, it } from 'vitest';
import { ReceiveWindow, SendWindow } from '../../link/windows.ts';

/** Numbers go round here after two batches. */
const LATE = 2 ** 32 - 2;

const batch = (name: string) => Buffer.concat([Buffer.alloc(27), Buffer.from(name)]);
const nameOf = (frame: Buffer) => `${frame.readUInt32LE(18)} ${frame.subarray(27)}`;

function windowOf(count: number) {
  const window = new SendWindow(LATE);
  for (let n = 1; n <= count; n += 1) window.add(batch(`${n}`), n, 0);
  const handed: string[] = [];
  const send = (frame: Buffer) => handed.push(nameOf(frame)) > 0;
  return { window, handed, send };
}

describe('SendWindow', () => {
  it('whose numbers go round › numbers on from 0, and knows what is acknowledged', () => {
    const { window, handed, send } = windowOf(4);
    window.handOver(7, send);
    expect(handed).toEqual([`${LATE} 1`, `${LATE + 1} 2`, '0 3', '1 4']);
    expect([window.acknowledge(0), window.oldestAt]).toEqual([3, 4]);
    expect([window.acknowledge(LATE), window.acknowledge(1), window.isEmpty, window.bytes]).toEqual([0, 1, true, 0]);
  });

  it('when the carrier takes no more › goes on there, and after going back from the oldest', () => {
    const { window, handed, send } = windowOf(3);
    window.handOver(0, (frame) => handed.length < 2 && send(frame));
    window.acknowledge(LATE);
    window.handOver(0, send);
    expect(handed).toEqual([`${LATE} 1`, `${LATE + 1} 2`, '0 3']);
    window.goBack();
    window.handOver(0, send);
    expect(handed.slice(3)).toEqual([`${LATE + 1} 2`, '0 3']);
  });

  it('says in what it sends, and sends again, what has arrived by then', () => {
    const { window } = windowOf(1);
    const acks: number[] = [];
    const send = (frame: Buffer) => acks.push(frame.readUInt32LE(22)) > 0;
    window.handOver(5, send);
    window.probe(9, send);
    expect(acks).toEqual([5, 9]);
  });

  it('does not believe an acknowledgement of what it has never sent', () => {
    const { window, send } = windowOf(3);
    window.handOver(0, (frame) => nameOf(frame).endsWith('1') && send(frame));
    expect(window.acknowledge(0)).toBe(false);
    window.goBack();
    expect(window.acknowledge(LATE)).toBe(1);
  });
});

describe('ReceiveWindow', () => {
  it('whose numbers go round › takes each once, in order', () => {
    const window = new ReceiveWindow(LATE);
    const taken = [LATE + 1, LATE, LATE, LATE + 1, 1, 0, LATE, 1].map((lseq) => window.take(lseq, 1));
    expect(taken).toEqual(['gap', 'next', 'again', 'next', 'gap', 'next', 'again', 'next']);
    expect([window.last, window.owed]).toEqual([1, 4]);
    window.settle();
    expect(window.owed).toBe(0);
  });
});
