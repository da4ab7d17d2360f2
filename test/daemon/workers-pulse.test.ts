import { describe, expect, it } from 'vitest';
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
  const seat = {
    isDone: false,
    stop: () => {
      log.push(`${name} stops`);
      return gone.then(() => void log.push(`${name} is gone`));
    },
    release: () => {
      log.push(`${name} is released`);
      setImmediate(leave);
    },
  } satisfies Stoppable;
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
