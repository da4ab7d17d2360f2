import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'vitest';
import type { DurableLevel } from '../../protocol/turn-journal.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { ofProof } from '../proof/support/extent.ts';
import { LossyFiles } from './lossy-files.ts';
import { copyOf, ModelBroker } from './stage.ts';

/*
 * Random histories of a broker and its journal, with crashes, power cuts, a full disk and failing syncs, against a plain model: of each
 * turn what was acknowledged is there, and what is there is as the turn was at some time since.
 */

/** How long each level has for as many histories as it can make. */
const HISTORIES_MS = Number(process.env.HISTORIES_MS ?? ofProof(60_000, 2_500));

/** A turn's states, as text, from its opening on; `gone` once it is forgotten. */
interface Past {
  states: string[];
  /** All up to this one was acknowledged. */
  acked: number;
}

const GONE = 'gone';

type Step = { what: string; pick: number; text: string };

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('x'.repeat(300), '\ud83c', '', 'é'.repeat(300)),
);
const weights: [string, number][] = [
  ['open', 8],
  ['token', 40],
  ['frame', 8],
  ['skip', 4],
  ['note', 5],
  ['end', 5],
  ['forget', 4],
  ['drop', 4],
  ['tick', 15],
  ['wait', 6],
  ['full', 1],
  ['syncFails', 1],
  ['namesFail', 1],
  ['kill', 2],
  ['power', 2],
];
const steps = fc.array(
  fc.record({
    what: fc.oneof(...weights.map(([arbitrary, weight]) => ({ arbitrary: fc.constant(arbitrary), weight }))),
    pick: fc.nat(1_000),
    text: texts,
  }),
  { maxLength: 250, size: 'max' },
);

class History {
  readonly root = temporaryDirectory();
  readonly level: DurableLevel;
  files = new LossyFiles();
  broker: ModelBroker | undefined;
  past = new Map<number, Past>();
  #boots = 0;

  constructor(level: DurableLevel) {
    this.level = level;
  }

  async start(): Promise<void> {
    this.broker = await ModelBroker.start(
      { directory: this.#directory, level: this.level, maxBytes: 6 * 1024 },
      { segmentBytes: 2 * 1024, retryMs: 5, files: this.files },
    );
    this.past = new Map(
      [...this.broker.turns].map(([turn, { told }]) => [turn, { states: [JSON.stringify(told)], acked: 0 }]),
    );
  }

  get #directory(): string {
    return join(this.root, String(this.#boots));
  }

  async run({ what, pick, text }: Step): Promise<void> {
    const broker = this.broker as ModelBroker;
    const live = [...broker.turns].filter(([, { hasTerminal }]) => !hasTerminal);
    const turns = what === 'token' || what === 'frame' || what === 'skip' || what === 'end' ? live : [...broker.turns];
    const [turn, model] = turns[pick % Math.max(1, turns.length)] ?? [];
    if (what === 'open') this.#did(broker.open({ id: pick, text }));
    else if (what === 'tick') await new Promise(setImmediate);
    else if (what === 'wait') await this.#wait(broker);
    else if (what === 'full') this.files.left = pick;
    else if (what === 'syncFails') this.files.failingSyncs = 1;
    else if (what === 'namesFail') this.files.failingNames = 1;
    else if (what === 'kill' || what === 'power') await this.crash(what, pick);
    else if (turn === undefined || !model) return;
    else {
      if (what === 'token') broker.token(turn, text);
      else if (what === 'frame') broker.frame(turn, `{"text":"${pick}"}`, pick % 2 === 0 ? text : undefined);
      else if (what === 'skip') broker.skip(turn);
      else if (what === 'note') broker.note(turn, `name ${pick % 3}`, pick % 2 === 0 ? [text] : undefined);
      else if (what === 'end') {
        broker.frame(turn, 'terminal', undefined, true, pick % 3);
        broker.end(turn, 'done', pick);
      } else if (what === 'drop') model.drop(pick % 4);
      else broker.forget(turn);
      this.#did(turn);
    }
  }

  /** The process, or the machine, stops now; what is left is found by the next. */
  async crash(how: 'kill' | 'power', seed: number): Promise<void> {
    const broker = this.broker as ModelBroker;
    const before = this.#directory;
    this.#boots += 1;
    const { files } = this;
    if (how === 'kill') {
      copyOf(before, this.#directory);
      this.files = files.afterKill(this.#directory);
    } else {
      let state = seed;
      this.files = new LossyFiles();
      files.cutPower(this.#directory, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      });
    }
    // The old process goes on in its own directory, and what it says is nobody's any more.
    this.broker = undefined;
    files.left = Number.POSITIVE_INFINITY;
    await broker.journal.close();
    const past = this.past;
    await this.start();
    this.#check(past, how);
  }

  #check(past: ReadonlyMap<number, Past>, how: 'kill' | 'power'): void {
    const found = new Map((this.broker as ModelBroker).told);
    // Level `process` promises nothing over a power cut; what it finds must make sense all the same.
    const isPromised = how === 'kill' || this.level === 'disk';
    for (const [turn, told] of found) {
      const { states, acked } = past.get(turn) ?? { states: [], acked: 0 };
      const at = states.lastIndexOf(JSON.stringify(told));
      if (at < (isPromised ? acked : 0))
        throw new Error(`turn ${turn} is as it was at ${at} of ${states.length}, acknowledged: ${acked}`);
    }
    for (const [turn, { states, acked }] of past) {
      if (found.has(turn) || !isPromised || acked < 0) continue;
      if (!states.slice(acked).includes(GONE))
        throw new Error(`turn ${turn} is lost; acknowledged: ${acked} of ${states.length}`);
    }
  }

  #did(turn: number): void {
    const broker = this.broker as ModelBroker;
    const past = this.past.get(turn) ?? { states: [], acked: -1 };
    this.past.set(turn, past);
    const told = broker.turns.get(turn)?.told;
    past.states.push(told ? JSON.stringify(told) : GONE);
    const { length } = past.states;
    broker.journal.whenSettled(broker.journal.position, () => {
      if (this.broker === broker) past.acked = Math.max(past.acked, length - 1);
    });
  }

  async #wait(broker: ModelBroker): Promise<void> {
    this.files.left = Number.POSITIVE_INFINITY;
    await broker.settled();
  }
}

test.each(['process', 'disk'] as const)(
  'a turn journal of level %s › whatever happens › then each turn is as it was when it was acknowledged, or later',
  async (level) => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const history = new History(level);
        await history.start();
        for (const step of all) await history.run(step);
        history.files.left = Number.POSITIVE_INFINITY;
        await history.broker?.settled();
        await history.crash('kill', 1);
        await history.broker?.journal.close();
      }),
      {
        numRuns: 1_000,
        interruptAfterTimeLimit: HISTORIES_MS,
        endOnFailure: process.env.HISTORIES_MS !== undefined,
      },
    );
  },
  400_000,
);
