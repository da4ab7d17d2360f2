import type { AgentContext, PermissionOption, RequestPermissionRequest } from '@agentclientprotocol/sdk';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { plain } from '../core/content-block.ts';
import type { FrontTurn } from '../core/turn.ts';
import { isWord } from '../core/values.ts';
import { callContentOf, locationsOf } from './content.ts';
import { type ToolCalls, toolKindOf } from './tool-calls.ts';

/** What a person chooses from where the agent has nothing to choose from. */
const OPTIONS: readonly PermissionOption[] = [
  { optionId: 'allow', name: 'Allow once', kind: 'allow_once' },
  { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
];
const KINDS: readonly unknown[] = ['allow_once', 'allow_always', 'reject_once', 'reject_always'];
/** An answer that the agent did not take is asked for again after so many milliseconds. */
const AGAIN_MS = 1_000;

/** What asks for an approval: an event of the agent's, or of the broker's gate. */
export type Asking = { approval_id: string } & JsonObject;

/** The approvals of one turn, as permissions that its client is asked for. */
export class Permissions {
  readonly #client: AgentContext;
  readonly #sessionId: string;
  readonly #turn: FrontTurn;
  readonly #calls: ToolCalls;
  readonly #open = new Map<string, AbortController>();

  constructor(client: AgentContext, sessionId: string, turn: FrontTurn, calls: ToolCalls) {
    this.#client = client;
    this.#sessionId = sessionId;
    this.#turn = turn;
    this.#calls = calls;
  }

  ask(event: Asking): void {
    this.settle(event.approval_id);
    const open = new AbortController();
    this.#open.set(event.approval_id, open);
    // A fault of ours ends this turn, and nobody else's.
    this.#ask(event, open.signal).catch(() => this.#turn.cancel());
  }

  /** It is decided, by whomever: the client need not answer any more. */
  settle(approvalId: string): void {
    this.#open.get(approvalId)?.abort();
    this.#open.delete(approvalId);
  }

  /** The turn is over, or cancelled. */
  stop(): void {
    for (const id of [...this.#open.keys()]) this.settle(id);
  }

  async #ask(event: Asking, signal: AbortSignal): Promise<void> {
    const request = this.#requestOf(event);
    while (!signal.aborted) {
      const chosen = await this.#choose(request, signal);
      if (signal.aborted) return;
      const option = request.options.find(({ optionId }) => optionId === chosen);
      const isAllowed = option?.kind.startsWith('allow') ?? false;
      // The agent's own options are its to know; ours say no more than the decision does.
      const answer = option && request.options !== OPTIONS ? { option_id: option.optionId } : undefined;
      if (await this.#turn.decide(event.approval_id, isAllowed, answer)) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS).unref());
    }
  }

  /** Which option a person takes; undefined: none, and so does a client that cannot ask. */
  async #choose(request: RequestPermissionRequest, cancellationSignal: AbortSignal): Promise<string | undefined> {
    const options = { cancellationSignal, stopWaitingOnCancel: true };
    // The SDK checks what it is asked, and not what it is answered.
    const answer: unknown = await this.#client
      .request('session/request_permission', request, options)
      .catch(() => undefined);
    const outcome = isObject(answer) && isObject(answer.outcome) ? answer.outcome : {};
    return outcome.outcome === 'selected' && isWord(outcome.optionId) ? outcome.optionId : undefined;
  }

  #requestOf(event: Asking): RequestPermissionRequest & { options: readonly PermissionOption[] } {
    const details = isObject(event.details) ? event.details : {};
    const params = event.params ?? details.params;
    const { call_id: callId } = details;
    const title = [details.title, event.action, event.tool].find(isWord) ?? 'this';
    const locations = locationsOf(details.locations);
    return {
      sessionId: this.#sessionId,
      options: optionsOf(details.options),
      toolCall: {
        toolCallId: this.#calls.idOf(isWord(callId) ? callId : `approval:${event.approval_id}`),
        title,
        kind: toolKindOf(details.tool_kind, event.tool ?? event.action),
        status: 'pending',
        content: callContentOf(details.content),
        ...(locations.length > 0 ? { locations } : {}),
        ...(params === undefined ? {} : { rawInput: plain(params) }),
      },
    };
  }
}

function optionsOf(said: unknown): PermissionOption[] {
  if (!Array.isArray(said)) return OPTIONS as PermissionOption[];
  const options = said.filter(isObject).flatMap(({ optionId, name, kind }): PermissionOption[] => {
    if (!isWord(optionId) || !isWord(name) || !KINDS.includes(kind)) return [];
    return [{ optionId, name, kind: kind as PermissionOption['kind'] }];
  });
  return options.length > 0 ? options : (OPTIONS as PermissionOption[]);
}
