import type { AnyActorRef } from 'xstate';
import type { CallbackEvent, CallbackFacts } from '../../machines/callback.machine.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { ProgressParams } from '../../protocol/tools.ts';
import type { Approval } from '../approvals/approval-record.ts';
import type { GatedTurn } from '../approvals/gated-turn.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import { roughBytes } from '../kernel/held-bytes.ts';
import { preview } from '../kernel/preview.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { RelayedAnswer } from '../requests/reply.ts';
import type { TracedCall } from './tool-span.ts';

/** A tool may take this many times its timeout in all, however much progress it reports (`wire.md` section 7). */
const MAX_EXTENSIONS = 10;

/** The turn that a tool call belongs to. */
export interface CallingTurn extends GatedTurn {
  /** Its calls that have not ended. */
  readonly callbacks: { delete(id: string): boolean };
}

/** Of parameters that have been sent only so much is kept as it is. Bytes, roughly. */
const MAX_SHOWN_BYTES = 2_048;

/** What a tool call is made of. */
export interface CallbackSpec extends TracedCall {
  /** `cb-<n>`. */
  id: string;
  /** Whose tool it is. */
  host: Client;
  tool: string;
  timeoutMs: number;
  actionId: string;
  attempt: number;
  isGated: boolean;
  /** The turn that it belongs to; absent for the embedding API's own. */
  turn?: CallingTurn;
  /** The agent's request that it answers; absent for the embedding API's own. */
  caller?: { client: Client; id: RpcId | undefined } | undefined;
  /** Called once, with what the caller is answered. `source`: the actor that answers. */
  answer(answer: RelayedAnswer, source: AnyActorRef): void;
  progress?(params: ProgressParams, source: AnyActorRef): void;
}

/** One tool call's record: what its actor and its turn share. */
export class Callback implements CallbackFacts {
  readonly id: string;
  readonly isGated: boolean;
  readonly spec: CallbackSpec;
  /** In the clock's milliseconds. */
  readonly startedAt: number;
  approval: Approval | undefined;
  deadline: Deadline | undefined;
  /** When no progress helps any more, in the clock's milliseconds; set when the host is asked. */
  endsAt = 0;
  /** What it is called with, until its host was asked; from then on a preview of what is long. */
  parameters: unknown;
  /** Lets go of the room that they take until then. */
  release: () => void = () => {};
  ref: (ActorOf<CallbackEvent> & { getSnapshot(): { status: string } }) | undefined;
  #isAnswered = false;

  constructor({ parameters, ...spec }: CallbackSpec & { parameters: unknown }, startedAt: number) {
    this.id = spec.id;
    this.isGated = spec.isGated;
    this.spec = spec;
    this.startedAt = startedAt;
    this.parameters = parameters;
  }

  /** Its parameters were sent. They are shown, but no more than is shown of them anyhow. */
  letGo(): void {
    this.release();
    if (roughBytes(this.parameters) > MAX_SHOWN_BYTES) this.parameters = preview(this.parameters);
  }

  /** Its caller was answered. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Answers its caller. Whatever else still happens to it, that was it. */
  answer(answer: RelayedAnswer, source: AnyActorRef): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.release();
    this.spec.answer(answer, source);
  }

  /** The milliseconds of the next timeout, counted from `now`. */
  nextTimeout(now: number): number {
    if (this.endsAt === 0) this.endsAt = now + this.spec.timeoutMs * MAX_EXTENSIONS;
    return Math.min(this.spec.timeoutMs, Math.max(0, this.endsAt - now));
  }
}
