import type { RpcId } from '../../protocol/frame.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import type { Client } from '../kernel/client.ts';
import { LazyMap, LazySet } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import type { Callback } from './callback-record.ts';

/** What a connection has to do with tools. */
class ClientTools {
  /** Those that it offers to the agents it talks to, by name. */
  readonly offered = new LazyMap<string, ToolDefinition>();
  /** It reads a call's `parameters`, and needs no `params` beside them. */
  wantsParamsOnce = false;
  /** Calls that it asked for as an agent, by its own request's id. */
  readonly requested = new LazyMap<RpcId, Callback>();
  /** Those that wait until there is a host: what withdraws each. */
  readonly awaiting = new LazyMap<RpcId, () => void>();
  /** Calls that the embedding API runs on it, outside any turn. */
  readonly direct = new LazySet<Callback>();
}

const tools = slot(() => new ClientTools());

/** A connection's tools, and its calls of them. */
export const toolsOf = (client: Client): ClientTools => tools.of(client);

/** The tools that it offers, sorted by name. */
export function sortedTools(client: Client): ToolDefinition[] {
  return [...toolsOf(client).offered.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
