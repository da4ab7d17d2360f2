import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { type Client, GONE } from './client.ts';
import { type Ledger, nowUs } from './ledger.ts';
import { GATED_TOOL, REFUSED, type Script, TOOL, toolTimeout } from './script.ts';
import { pieceOf, wholeOf } from './turn-check.ts';

/** Pieces of a burst between two breaths, and bytes that may wait for the socket meanwhile. */
const BURST = 50;
const HIGH_WATER = 4 * 1024 * 1024;
const POLL = 5;

/** Codes of a call whose turn has ended, or whose host has left. */
const DISTURBED = new Set([-32014, -32015, -32018, -32019, GONE.code]);
const APPROVAL_DENIED = -32003;
const TOOL_TIMEOUT = -32017;

/** An agent's side of one turn: says what the script tells it to, and judges what it gets for it. */
export class AgentTurn {
  readonly sessionId: string;
  readonly #client: Client;
  readonly #turnId: string;
  readonly #script: Script;
  readonly #ledger: Ledger;
  #said = 0;
  #isOver = false;
  #asked: { id: string; settle(): void } | undefined;

  constructor(client: Client, sessionId: string, turnId: string, script: Script, ledger: Ledger) {
    this.#client = client;
    this.sessionId = sessionId;
    this.#turnId = turnId;
    this.#script = script;
    this.#ledger = ledger;
  }

  /** Says everything, and ends it. */
  async run(): Promise<void> {
    const { nonce, pieces, gap, tool, asks } = this.#script;
    while (this.#said < pieces && !this.#isOver) {
      this.say();
      if (this.#said === pieces >> 1) {
        if (tool) await this.#useTool();
        if (asks) await this.#ask();
      }
      if (gap > 0) await pause(gap);
      else if (this.#said % BURST === 0) await this.#drain();
    }
    if (!this.#isOver) this.#emit({ kind: 'done', finish_reason: 'stop', text: wholeOf(nonce, this.#said) });
    this.#isOver = true;
  }

  /** Says the next piece. */
  say(): void {
    const { nonce, padding } = this.#script;
    this.#emit({ kind: 'token', delta: pieceOf(nonce, this.#said, nowUs(), 'x'.repeat(padding)) });
    this.#said += 1;
  }

  /** Nobody wants the rest. */
  cancel(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // With grace it is waited for; without it the broker has ended the turn, and drops it.
    if (reason === 'host_cancelled') this.#emit({ kind: 'done', finish_reason: 'cancelled' });
    this.#asked?.settle();
  }

  /** Somebody has answered an approval. @returns what to do once that is confirmed; undefined where none waits. */
  approve(id: string): (() => void) | undefined {
    const asked = this.#asked;
    if (!asked || asked.id !== id) return undefined;
    this.#asked = undefined;
    return () => {
      this.#ledger.count('approvals');
      this.#emit({ kind: 'approval_resolved', approval_id: id, resolution: 'approve', at: this.#said });
      asked.settle();
    };
  }

  #emit(event: object): void {
    this.#client.notify('agent.chat.event', { session_id: this.sessionId, turn_id: this.#turnId, ...event });
  }

  async #ask(): Promise<void> {
    const id = `ask-${this.#script.nonce}`;
    await new Promise<void>((resolve) => {
      this.#asked = { id, settle: resolve };
      this.#emit({ kind: 'approval_pending', approval_id: id, action: 'go on', at: this.#said });
    });
  }

  async #useTool(): Promise<void> {
    const { nonce, tool: mode = 'answer', isCalm } = this.#script;
    this.#emit({ kind: 'tool_call', tool: TOOL, at: this.#said });
    const { code, result, error } = await this.#client.call('tools.execute', {
      session_id: this.sessionId,
      tool: mode === 'gated' ? GATED_TOOL : TOOL,
      parameters: { nonce, mode },
      timeout_ms: toolTimeout(mode),
    });
    this.#ledger.count('tool calls');
    if (DISTURBED.has(code) && (this.#isOver || !isCalm)) return;
    const isRight =
      (mode === 'late' && code === TOOL_TIMEOUT) ||
      (mode === 'refuse' && code === REFUSED && error.message === nonce) ||
      (mode === 'gated' && code === APPROVAL_DENIED) ||
      (code === 0 && (mode === 'answer' || mode === 'progress' || mode === 'gated') && result?.nonce === nonce);
    // On its way to a connection that is just being replaced.
    if (!isRight && code !== GONE.code) {
      this.#ledger.breach(`a tool that was to ${mode} came to ${code} ${JSON.stringify(error ?? result)}`);
    }
  }

  async #drain(): Promise<void> {
    do {
      if (this.#client.buffered > HIGH_WATER) await pause(POLL);
      else await breathe();
    } while (this.#client.buffered > HIGH_WATER && !this.#isOver);
  }
}
