import { isObject, isThere, type JsonObject } from '../../protocol/json.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import { FrontError } from '../core/errors.ts';
import { readToolDefinitions } from '../core/tool-definitions.ts';
import { unsupported } from './parts.ts';

/** What both APIs call how a model is to go about it; an agent may care (`context.sampling`). */
const SAMPLING = [
  'frequency_penalty',
  'logit_bias',
  'max_completion_tokens',
  'max_output_tokens',
  'max_tokens',
  'parallel_tool_calls',
  'presence_penalty',
  'reasoning',
  'reasoning_effort',
  'response_format',
  'seed',
  'service_tier',
  'stop',
  'temperature',
  'text',
  'top_p',
  'truncation',
  'verbosity',
] as const;

/** The agent that is meant. @throws {FrontError} 400 */
export function readModel(body: JsonObject): string {
  const { model } = body;
  if (typeof model !== 'string' || model === '') throw FrontError.badRequest('model is the id of an agent', 'model');
  return model;
}

export function noSuchModel(model: string): FrontError {
  const message = `the model ${JSON.stringify(model.slice(0, 128))} does not exist, or its agent is not attached`;
  return new FrontError(404, 'model_not_found', message, { param: 'model' });
}

/** What would change the meaning of an answer, and is not offered. @throws {FrontError} 400 */
export function refuseUnsupported(body: JsonObject): void {
  const { n, audio, modalities, background } = body;
  if (n !== undefined && n !== null && n !== 1) throw unsupported('n is 1: an agent gives one answer', 'n');
  if (isThere(audio)) throw unsupported('audio is not offered', 'audio');
  if (isThere(modalities) && !(Array.isArray(modalities) && modalities.every((kind) => kind === 'text')))
    throw unsupported('modalities is ["text"]: nothing else is offered', 'modalities');
  if (background === true) throw unsupported('background is not offered', 'background');
}

/** How the answer is wished for. */
export function samplingOf(body: JsonObject): JsonObject {
  const given = SAMPLING.filter((name) => isThere(body[name])).map((name) => [name, body[name]]);
  return given.length === 0 ? {} : { sampling: Object.fromEntries(given) };
}

/**
 * The client's own tools: `{type, function: {…}}` of the one API, `{type, name, …}` of the other. Tools of other types are
 * a model's, and are left out.
 * @throws {FrontError} 400
 */
export function readTools({ tools, tool_choice: choice }: JsonObject): ToolDefinition[] {
  if (choice === 'none') return [];
  return readToolDefinitions(tools, (tool) => {
    if (tool.type !== 'function') return undefined;
    return isObject(tool.function) ? tool.function : tool;
  });
}
