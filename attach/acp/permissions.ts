import { isObject } from '../../protocol/json.ts';
import type { Call } from './open-calls.ts';

/** One of the answers that an agent offers when it asks for permission. */
interface Option {
  optionId: string;
  kind: string;
}

/** How an agent hears what was decided. */
export type Outcome = { outcome: 'selected'; optionId: string } | { outcome: 'cancelled' };

export const CANCELLED: Outcome = { outcome: 'cancelled' };

/** What each decision takes, the first that is there. */
const ORDER = { allow: ['allow_once', 'allow_always'], reject: ['reject_once', 'reject_always'] } as const;

/** The options of `session/request_permission` that are well formed. */
export function optionsOf(params: Record<string, unknown>): Option[] {
  const { options } = params;
  if (!Array.isArray(options)) return [];
  return options.filter(
    (option): option is Option =>
      isObject(option) && typeof option.optionId === 'string' && typeof option.kind === 'string',
  );
}

/**
 * What a decision takes of these options. One that holds for ever is taken only where somebody named it, or there is no other
 * of that direction.
 * @param answer what came with the decision: `{option_id}` names another option of the same direction.
 */
export function outcomeOf(options: readonly Option[], isApproved: boolean, answer?: unknown): Outcome {
  const order = isApproved ? ORDER.allow : ORDER.reject;
  const ours = options.filter(({ kind }) => (order as readonly string[]).includes(kind));
  const named = isObject(answer) ? ours.find(({ optionId }) => optionId === answer.option_id) : undefined;
  const taken = named ?? order.map((kind) => ours.find((option) => option.kind === kind)).find(Boolean);
  return taken ? { outcome: 'selected', optionId: taken.optionId } : CANCELLED;
}

/** What a person is shown: what the request leaves out was said when the call was announced. */
export function questionOf(params: Record<string, unknown>, call: Call | undefined) {
  const toolCall = isObject(params.toolCall) ? params.toolCall : {};
  const options = optionsOf(params);
  const approve = outcomeOf(options, true);
  const value = (name: string, known: unknown) => toolCall[name] ?? known;
  return {
    tool: call?.tool ?? 'tool',
    params: value('rawInput', call?.params),
    details: {
      bridge: 'acp',
      call_id: toolCall.toolCallId,
      title: value('title', call?.title),
      tool_kind: value('kind', call?.kind),
      options: params.options,
      ...(approve.outcome === 'selected' && { approve_option: approve.optionId }),
      content: value('content', call?.content),
      locations: value('locations', call?.locations),
    },
  };
}
