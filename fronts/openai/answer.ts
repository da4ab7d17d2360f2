import { exactJson } from '../../client/node.ts';
import type { AskedCall } from '../core/asked-calls.ts';
import type { Room } from '../core/room.ts';
import type { Message, MessageCall } from './messages.ts';

/** How much of an answer is kept to know its conversation by. Characters. */
const MAX_KEPT = 4 * 1024 * 1024;

/** What of an answer its client was sent. */
export class AnswerSoFar {
  readonly calls: MessageCall[] = [];
  readonly #room: Room;
  #parts: string[] = [];
  #length = 0;
  #isWhole = true;

  constructor(room: Room) {
    this.#room = room;
  }

  add(text: string): void {
    if (!this.#isWhole) return;
    this.#length += text.length;
    this.#isWhole = this.#length <= MAX_KEPT && this.#room.add(text.length);
    if (this.#isWhole) this.#parts.push(text);
    else this.#parts = [];
  }

  call(call: AskedCall): MessageCall {
    const made = { id: call.id, name: call.name, arguments: exactJson.stringify(call.args ?? {}) };
    this.calls.push(made);
    return made;
  }

  /** False: it is too long to be kept. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get text(): string {
    return this.#parts.join('');
  }

  /** As the client will repeat it. */
  get message(): Message {
    return { role: 'assistant', text: this.text, images: [], calls: this.calls };
  }
}
