import type { CallToolResult, ServerNotification, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { AgentRow } from '../../client/node.ts';
import { sessionId } from '../../protocol/ids.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError, Server } from '../../sdks/mcp.ts';
import { ClientGone, FrontError, frontErrorOf } from '../core/errors.ts';
import type { FrontTurn, TurnSpec } from '../core/turn.ts';
import { Answer } from './answer.ts';
import { Progress } from './progress.ts';

/** How deep agents may ask agents. */
export const MAX_DEPTH = 4;
/** Calls that one client may have open. */
export const MAX_CALLS = 100;

/** The way from an MCP client to the agents. */
export interface McpDoor {
  list(): Promise<AgentRow[]>;
  openTurn(spec: TurnSpec, signal: AbortSignal): Promise<FrontTurn>;
}

/** How an {@link mcpServer} serves. */
export interface McpServerOptions {
  /** Of this program. */
  version: string;
  /** After so many milliseconds an approval that nobody has decided on is denied. */
  approvalTimeoutMs: number;
  /** How deep whoever asks is asked itself; 0: not at all. */
  depth: number;
}

const text = (description: string) => ({ type: 'string', description });
const TOOLS: Tool[] = [
  {
    name: 'list_agents',
    description: 'Lists the agents that can be asked.',
    inputSchema: { type: 'object', properties: {} },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'ask_agent',
    description: 'Asks an agent, and waits for its whole answer. The result names the session: give it to go on.',
    inputSchema: {
      type: 'object',
      properties: {
        agent: text('Its id, as list_agents has it'),
        prompt: text('What it is asked'),
        session: text('The session to go on with (default: a new one)'),
      },
      required: ['agent', 'prompt'],
    },
    outputSchema: {
      type: 'object',
      properties: {
        session: text('For the next call'),
        finish_reason: text('stop, length …'),
        text: text('Its answer'),
      },
      required: ['session', 'finish_reason', 'text'],
    },
  },
];

interface Extra {
  signal: AbortSignal;
  _meta?: { progressToken?: string | number | undefined } | undefined;
  sendNotification(notification: ServerNotification): Promise<void>;
}

/** The agents as tools of an MCP server, for one client (`docs/fronts.md#mcp`). */
export function mcpServer(door: McpDoor, options: McpServerOptions): Server {
  const server = new Server({ name: 'switchboard', version: options.version }, { capabilities: { tools: {} } });
  let open = 0;
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const { name, arguments: args = {} } = params;
    if (open >= MAX_CALLS) return failed(`${MAX_CALLS} calls are open`);
    open += 1;
    try {
      if (name === 'list_agents') return await list(door);
      if (name === 'ask_agent') return await ask(door, options, args, extra as Extra);
    } catch (error) {
      if (error instanceof ClientGone) return failed('cancelled');
      return failed(frontErrorOf(error)?.message ?? 'internal error');
    } finally {
      open -= 1;
    }
    throw new McpError(ErrorCode.InvalidParams, `there is no tool ${name.slice(0, 64)}`);
  });
  return server;
}

async function list(door: McpDoor): Promise<CallToolResult> {
  const agents = (await door.list())
    .filter(({ attached }) => attached)
    .map(({ spec: { id, name, metadata } }) => {
      const description = isObject(metadata) ? metadata.description : undefined;
      return { id, name, ...(typeof description === 'string' ? { description } : {}) };
    });
  const lines = agents.map(({ id, name, description }) => [id, name === id ? '' : name, description ?? '']);
  const words = lines.map((parts) => parts.filter((part) => part !== '').join(' – ')).join('\n');
  return { content: [{ type: 'text', text: words || 'no agent is attached' }], structuredContent: { agents } };
}

async function ask(
  door: McpDoor,
  { approvalTimeoutMs, depth }: McpServerOptions,
  { agent, prompt, session }: JsonObject,
  { signal, _meta, sendNotification }: Extra,
): Promise<CallToolResult> {
  if (typeof agent !== 'string' || agent === '') throw FrontError.badRequest('agent is a text');
  if (typeof prompt !== 'string' || prompt === '') throw FrontError.badRequest('prompt is a text');
  if (session !== undefined && !sessionId.safeParse(session).success)
    throw FrontError.badRequest('session is one that a result has named');
  if (depth >= MAX_DEPTH) throw new FrontError(403, 'too_deep', `agents ask agents ${MAX_DEPTH} deep at most`);
  const spec: TurnSpec = {
    agentId: agent,
    prompt,
    sessionId: (session as string | undefined) ?? `mcp:${crypto.randomUUID()}`,
    context: { depth: depth + 1 },
    denyAfterMs: approvalTimeoutMs,
  };
  const progressToken = _meta?.progressToken;
  const progress = new Progress((note) => {
    if (progressToken === undefined) return;
    const told = { method: 'notifications/progress' as const, params: { progressToken, ...note } };
    // Its client has gone, and the signal says so.
    sendNotification(told).catch(() => {});
  });
  try {
    const turn = await door.openTurn(spec, signal);
    const answer = new Answer(turn, (piece) => progress.note(piece));
    await turn.read(answer, signal);
    return answer.result();
  } finally {
    progress.stop();
  }
}

function failed(words: string): CallToolResult {
  return { content: [{ type: 'text', text: words }], isError: true };
}
