import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MAX_WAITING, Outbox, STUCK_MS } from '../../daemon/workers/outbox.ts';
import { PipeDirectory } from '../../daemon/workers/pipe-directory.ts';
import { HUNG_MS, PULSE_MS, Pulse, SILENT_MS } from '../../daemon/workers/pulse.ts';
import { type Stoppable, stopInOrder, WorkerStop } from '../../daemon/workers/stop-order.ts';

function started() {
  const said: string[] = [];
  const pulse = new Pulse({
    ask: () => said.push('ask'),
    silent: () => said.push('silent'),
    back: (ms) => said.push(`back after ${ms}`),
    hung: () => said.push('hung'),
  });
  /** So much time passes, beat for beat. */
  const pass = (ms: number, beatMs = PULSE_MS) => {
    for (let at = 0; at < ms; at += beatMs) pulse.beat(beatMs);
  };
  return { said, pulse, pass };
}

describe('the pulse of a worker', () => {
  it('asks again when it was answered, and only then', () => {
    const { said, pulse } = started();
    for (let beats = 0; beats < 5; beats += 1) pulse.beat(PULSE_MS);
    expect(said).toEqual(['ask']);
    pulse.answered();
    pulse.beat(PULSE_MS);
    expect(said).toEqual(['ask', 'ask']);
  });

  it('of one that does not answer › says so after 15 s, and after a minute that it hangs, each once', () => {
    const { said, pulse, pass } = started();
    pulse.beat(PULSE_MS);
    pass(SILENT_MS - PULSE_MS);
    expect([said, pulse.isSilent]).toEqual([['ask'], false]);
    pass(PULSE_MS);
    expect([said, pulse.isSilent]).toEqual([['ask', 'silent'], true]);
    pass(HUNG_MS - SILENT_MS - PULSE_MS);
    expect(said).toEqual(['ask', 'silent']);
    pass(2 * HUNG_MS);
    expect(said).toEqual(['ask', 'silent', 'hung']);
  });

  it('of one that answers late › says that it is back, and counts anew', () => {
    const { said, pulse, pass } = started();
    pass(21 * PULSE_MS);
    pulse.answered();
    expect([said, pulse.isSilent]).toEqual([['ask', 'silent', 'back after 20000'], false]);
    pass(SILENT_MS);
    expect(said.slice(3)).toEqual(['ask']);
  });

  it('blames nobody for time in which the machine, or the supervisor, was stopped', () => {
    const { said, pulse } = started();
    pulse.beat(PULSE_MS);
    pulse.beat(95_000);
    pulse.answered();
    expect(said).toEqual(['ask']);
  });
});

/** A worker that is told to stop, and what has happened to all of them. */
function staged(name: string, log: string[]) {
  let leave = () => {};
  const gone = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const seat: Stoppable & { isDone: boolean } = {
    isDone: false,
    stop: () => {
      log.push(`${name} stops`);
      return gone.then(() => void log.push(`${name} is gone`));
    },
    release: () => {
      log.push(`${name} is released`);
      setImmediate(leave);
    },
  };
  return { seat, leave };
}

describe('a stop of all workers', () => {
  it('releases none before all have no turns, and the first one when the others are gone', async () => {
    const log: string[] = [];
    const [one, two, three] = ['1', '2', '3'].map((name) => staged(name, log)) as [
      ReturnType<typeof staged>,
      ReturnType<typeof staged>,
      ReturnType<typeof staged>,
    ];
    const over = stopInOrder([one.seat, two.seat, three.seat], 600_000);
    one.seat.isDone = true;
    two.seat.isDone = true;
    // It was killed meanwhile: nobody waits for what it had.
    three.leave();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(log).toEqual(['1 stops', '2 stops', '3 stops', '3 is gone']);
    three.seat.isDone = true;
    await over;
    expect(log.slice(4)).toEqual(['2 is released', '3 is released', '2 is gone', '1 is released', '1 is gone']);
  });

  it('waits for turns no longer than they may take', async () => {
    const log: string[] = [];
    await stopInOrder([staged('1', log).seat, staged('2', log).seat], 1);
    expect(log).toEqual(['1 stops', '2 stops', '2 is released', '2 is gone', '1 is released', '1 is gone']);
  });

  it.each([
    [true, 'until last'],
    [false, 'until drained'],
  ] as const)('is held at a worker until that is released; as the home worker: %s', (isHome, held) => {
    const stop = new WorkerStop(isHome);
    let changes = 0;
    stop.serve({ turns: () => 3, changed: () => (changes += 1) });
    expect([stop.held, stop.turns]).toEqual([undefined, 3]);
    stop.release();
    stop.hold();
    expect([stop.held, changes]).toEqual([held, 0]);
    stop.release();
    stop.release();
    expect([stop.held, changes]).toEqual([undefined, 1]);
  });
});

describe('what is sent to a worker', () => {
  function outbox() {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const written: string[] = [];
    const taken: (() => void)[] = [];
    let overruns = 0;
    const box = new Outbox<string>(
      (message, take) => {
        written.push(message);
        taken.push(take);
      },
      () => (overruns += 1),
    );
    return { box, written, taken, overruns: () => overruns };
  }
  const large = 'x'.repeat(MAX_WAITING / 4);

  it('waits for one that takes nothing within a bound; beyond that it is given up, once', () => {
    const { box, written, overruns } = outbox();
    for (let n = 0; n < 3; n += 1) box.send(large);
    vi.advanceTimersByTime(STUCK_MS + 1);
    box.send('small');
    expect([written.length, overruns()]).toEqual([4, 0]);
    box.send(large);
    box.send('small');
    box.send(large);
    expect([written.length, overruns()]).toEqual([4, 1]);
  });

  it('may be much at once for one that has just begun, and for one that takes it', () => {
    const { box, taken, overruns } = outbox();
    for (let n = 0; n < 12; n += 1) box.send(large);
    vi.advanceTimersByTime(STUCK_MS - 1);
    taken.shift()?.();
    vi.advanceTimersByTime(STUCK_MS);
    box.send(large);
    for (const take of taken.splice(0)) take();
    vi.advanceTimersByTime(10 * STUCK_MS);
    for (let n = 0; n < 12; n += 1) box.send(large);
    expect(overruns()).toBe(0);
  });

  it('is nothing that has to be answered, where the supervisor takes nothing: it fails at once', async () => {
    const directory = new PipeDirectory({ hasRoom: false, send: () => expect.unreachable() });
    await expect(directory.claim('s')).rejects.toThrow('takes nothing');
  });
});
