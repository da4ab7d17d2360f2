import { isObject } from '../../protocol/json.ts';
import { agentKey, DEFAULT_TENANT } from '../../protocol/principal.ts';
import type { RecoveredTurn, TurnJournal } from '../../protocol/turn-journal.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { absentAgent } from './absent-agent.ts';
import { awaitNames } from './agent-resume.ts';
import { HeldCalls } from './held-calls.ts';
import { type KeptFacts, readKeptFacts } from './kept-facts.ts';
import { LogReader } from './recovered-log.ts';
import { abandonTurn, type KeptCancel, restoredTurn, startRestored } from './restored-turn.ts';
import { Kept } from './resume/kept.ts';
import type { TurnLog } from './resume/turn-log.ts';
import { withoutRoom } from './resume/what-fits.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** Turns are taken up in slices of so long: whatever else there is has its turn in between. Milliseconds. */
const SLICE_MS = 5;

/** A turn of the journal's, and what has been read of it. */
interface Found {
  readonly kept: RecoveredTurn;
  readonly facts: KeptFacts;
  readonly turn: Turn;
  readonly log: TurnLog;
  readonly reader: LogReader;
}

/**
 * What a broker that was started anew does with the turns of its life before (`docs/protocol.md`, section 8). They are read while
 * it listens already; what is asked of one that is not there yet waits.
 */
export class Recovery {
  readonly calls = new HeldCalls();
  /** Sessions that had a turn, as their agents call them. */
  readonly #sessions = new Set<string>();
  readonly #kernel: Kernel;
  readonly #journal: TurnJournal;
  readonly #found: Found[] = [];
  /** By agent, and whether it numbers its events. */
  readonly #agents = new Map<string, Client>();

  constructor(kernel: Kernel, journal: TurnJournal) {
    this.#kernel = kernel;
    this.#journal = journal;
    // All of them before anybody can ask: each is read with care when its turn has come.
    for (const { facts } of journal.recovered)
      if (isObject(facts) && typeof facts.session_key === 'string') this.#sessions.add(facts.session_key);
  }

  /** Whether this session had a turn, which may be there in a moment. */
  knows(sessionKey: string): boolean {
    return this.#sessions.has(sessionKey);
  }

  /** Reads them all, and takes each up. Resolves when that is done, or cannot be. */
  async run(): Promise<void> {
    const { log } = this.#kernel;
    try {
      const { recovered } = this.#journal;
      const without = withoutRoom(
        recovered.filter((kept) => !this.#isOver(kept)),
        this.#kernel.limits,
      );
      await this.#journal.replay((kept) => this.#attempt(kept, () => this.#begin(kept, !without.has(kept.turn))));
      const live = await this.#takeUp();
      if (this.#found.length > 0)
        log.info({ live, ended: this.#found.length - live }, 'turns of before are there again');
    } catch (err) {
      log.error({ err }, 'turns of before could not be taken up; the next start tries again');
    }
  }

  /** What breaks at one of them, a fault of ours, is not the end of the others. */
  #attempt<T>({ turn }: RecoveredTurn, step: () => T): T | undefined {
    try {
      return step();
    } catch (err) {
      this.#kernel.log.error({ err, turn }, 'a turn of before could not be taken up; the others are');
      return undefined;
    }
  }

  #isOver({ ended }: RecoveredTurn): boolean {
    return ended !== undefined && Date.now() - ended.at >= this.#kernel.limits.resumeAfterEndMs;
  }

  #begin(kept: RecoveredTurn, hasRoom: boolean): LogReader | undefined {
    const kernel = this.#kernel;
    const facts = readKeptFacts(kept.facts);
    if (!facts) {
      kernel.log.warn({ turn: kept.turn }, 'a turn of before is of another version; it is forgotten');
      return undefined;
    }
    if (this.#isOver(kept)) return undefined;
    const { logs } = kernel.get(TURNS);
    const turn = restoredTurn(kernel, facts, this.#agentOf(facts));
    turn.line?.begin(kept.aseq);
    const log = logs.restore(turn, facts.token_hash, kept.turn);
    log.key.restore(kept.notes.get('claim'));
    const reader = new LogReader(log, turn.line, hasRoom);
    this.#found.push({ kept, facts, turn, log, reader });
    return reader;
  }

  /** @returns how many of them are live */
  async #takeUp(): Promise<number> {
    const kernel = this.#kernel;
    // Logs of ended turns are kept in the order in which they ended.
    this.#found.sort((one, other) => (one.kept.ended?.at ?? 0) - (other.kept.ended?.at ?? 0));
    let live = 0;
    let since = performance.now();
    for (const found of this.#found) {
      // What is not taken up stays in the journal.
      if (kernel.isDraining) break;
      this.#attempt(found.kept, () => {
        if (this.#end(found)) return;
        this.#start(found);
        live += 1;
        kernel.get(TURNS).restored += 1;
      });
      if (performance.now() - since < SLICE_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      since = performance.now();
    }
    return live;
  }

  /** Whether it had ended. Then it can still be resumed, for as long as any. */
  #end({ kept, log, reader }: Found): boolean {
    const ending = kept.ended?.ending ?? reader.ending;
    if (ending === undefined) return false;
    const kernel = this.#kernel;
    const { logs } = kernel.get(TURNS);
    log.ending = ending;
    log.kept = new Kept(this.#journal, kept.turn, 0);
    if (!kept.ended) log.kept.end(ending);
    const age = kept.ended ? Math.max(0, Date.now() - kept.ended.at) : 0;
    logs.hasEnded(log, kernel.clock.now() - age);
    // Whoever sends its chat again is to be sent here.
    if (log.opening) kernel.get(TURNS).claims?.keep(log.sessionKey);
    return true;
  }

  #start({ kept, facts, turn, log, reader }: Found): void {
    const kernel = this.#kernel;
    const cancel = kept.notes.get('cancel') as KeptCancel | undefined;
    log.kept = new Kept(this.#journal, kept.turn, 0);
    startRestored(kernel, turn, log, reader, cancel);
    if (!facts.resumes || kernel.limits.agentWindowMs === 0) abandonTurn(kernel, turn);
  }

  #agentOf({ owner: { tenant }, agent_id, resumes }: KeptFacts): Client {
    const key = `${resumes} ${agentKey(tenant, agent_id)}`;
    const agent = this.#agents.get(key) ?? absentAgent(this.#kernel, tenant, agent_id, resumes);
    this.#agents.set(key, agent);
    return agent;
  }
}

/** Takes up what the journal has of turns, where there is one. What is asked meanwhile waits. */
export function recoverTurns(kernel: Kernel): void {
  const turns = kernel.get(TURNS);
  const { journal } = turns;
  if (!journal) return;
  journal.attach({
    snapshot: (turn) => turns.logs.keptAs(turn)?.snapshot(),
    stateChanged: (state, why) => noteState(kernel, state, why),
  });
  const recovery = new Recovery(kernel, journal);
  turns.recovery = recovery;
  void recovery.run().then(() => {
    // Those that came meanwhile: nothing had waited for them yet.
    for (const client of kernel.attached.values()) awaitNames(kernel, client);
    recovery.calls.release(kernel, () => {
      turns.recovery = undefined;
      turns.elsewhere?.recovered();
    });
  });
}

/** The disk is full, or has room again. */
function noteState(kernel: Kernel, state: TurnJournal['state'], why: string | undefined): void {
  const isOk = state === 'ok';
  kernel.log[isOk ? 'info' : 'error'](
    isOk ? {} : { why },
    isOk ? 'turns are kept again' : 'turns are not kept: those that are live would not outlive the broker',
  );
  kernel.get(TURNS).journalWaits?.release();
  kernel.events.emit({
    kind: isOk ? 'journal.ok' : 'journal.degraded',
    tenant: DEFAULT_TENANT,
    agentId: undefined,
    message: isOk ? 'turns are kept again' : 'turns are not kept: they would not outlive the broker',
    payload: isOk ? {} : { why },
    audience: { is: 'managers' },
  });
}
