import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ChatEvent } from '../../client/node.ts';
import { blockOf } from '../core/content-block.ts';
import { FrontError, type Outcome, outcomeOf } from '../core/errors.ts';
import type { FrontTurn, Step, TurnEnd, TurnReader } from '../core/turn.ts';

/** The longest answer, in characters. */
export const MAX_ANSWER = 16 * 1024 * 1024;

type Content = CallToolResult['content'][number];

/** Gathers what an agent says as the result of a tool. */
export class Answer implements TurnReader {
  readonly #turn: FrontTurn;
  readonly #heard: (text: string) => void;
  readonly #text: string[] = [];
  /** What is no text: MCP's blocks are ACP's. */
  readonly #others: Content[] = [];
  #length = 0;
  #outcome: Outcome | undefined;

  /** @param heard whoever asked is told that something came: a piece of the answer, or nothing of it. */
  constructor(turn: FrontTurn, heard: (text: string) => void) {
    this.#turn = turn;
    this.#heard = heard;
  }

  event(event: ChatEvent): Step {
    const { kind, content } = event as { kind: string; content?: unknown };
    if (event.kind === 'token') this.#say(event.delta);
    else if (kind === 'content') {
      const block = blockOf(content);
      if (block && this.#fits(JSON.stringify(block).length)) this.#others.push(block as Content);
    }
    this.#heard(event.kind === 'token' ? event.delta : '');
    return undefined;
  }

  /** No tools are offered to it. */
  calls(): Step {
    return undefined;
  }

  ended(end: TurnEnd): void {
    this.#outcome ??= outcomeOf(end);
    if (!this.#turn.hasSpoken) this.#say(this.#outcome.text);
  }

  /** @throws {FrontError} where the turn failed */
  result(): CallToolResult {
    const { failure, finishReason } = this.#outcome ?? { finishReason: 'cancelled' };
    if (failure) throw failure;
    const text = this.#text.join('');
    return {
      content: [{ type: 'text', text }, ...this.#others],
      structuredContent: { session: this.#turn.sessionId, finish_reason: finishReason, text },
    };
  }

  #say(text: string): void {
    if (this.#fits(text.length)) this.#text.push(text);
  }

  #fits(length: number): boolean {
    this.#length += length;
    if (this.#length <= MAX_ANSWER) return true;
    const words = 'the answer is longer than one result may be';
    this.#outcome = { failure: new FrontError(424, 'answer_too_large', words), finishReason: 'error', text: '' };
    this.#turn.cancel();
    return false;
  }
}
