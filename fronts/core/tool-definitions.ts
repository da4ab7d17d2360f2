import { isObject, isThere, type JsonObject } from '../../protocol/json.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import { FrontError } from './errors.ts';

/**
 * Reads tools as the wire defines them: `{name, description?, parameters?}`; of one name the last.
 * @param definitionIn where the definition stands in what a front calls a tool; undefined: this one is left out
 * @throws {FrontError} 400
 */
export function readToolDefinitions(
  tools: unknown,
  definitionIn: (tool: JsonObject) => JsonObject | undefined = (tool) => tool,
): ToolDefinition[] {
  if (!isThere(tools)) return [];
  if (!Array.isArray(tools)) throw FrontError.badRequest('tools is an array', 'tools');
  const found = new Map<string, ToolDefinition>();
  for (const [at, tool] of tools.entries()) {
    const where = `tools[${at}]`;
    if (!isObject(tool)) throw FrontError.badRequest(`${where} is an object`, where);
    const definition = definitionIn(tool);
    if (!definition) continue;
    const { name, description, parameters } = definition;
    if (typeof name !== 'string' || name === '') throw FrontError.badRequest(`${where} has a name`, where);
    if (isThere(parameters) && !isObject(parameters))
      throw FrontError.badRequest(`${where}: parameters is a JSON Schema`, where);
    found.set(name, {
      name,
      ...(typeof description === 'string' ? { description } : {}),
      ...(isObject(parameters) ? { parameters } : {}),
    });
  }
  return [...found.values()];
}
