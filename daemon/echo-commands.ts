import {
  type AgentEvent,
  ApprovalDeniedError,
  RpcError,
  ToolCancelledError,
  type ToolDefinition,
  type ToolProgress,
  type Turn,
} from '../client/node.ts';
import type { Pause } from './echo.ts';

/** What a prompt of `echo` may do instead of being repeated. */
type Run = (turn: Turn, rest: string, pause: Pause) => AsyncGenerator<string | AgentEvent>;

interface Command {
  usage: string;
  does: string;
  run: Run;
}

/** How long `/slow` takes, a word each second. */
const SLOW_SECONDS = 10;

async function* help(): AsyncGenerator<string> {
  const width = Math.max(...[...commands.values()].map(({ usage }) => usage.length));
  yield 'I say again what you say. Besides, to see what an agent can do:\n';
  for (const { usage, does } of commands.values()) yield `  ${usage.padEnd(width)}  ${does}\n`;
}

async function* tool({ tools }: Turn, rest: string): AsyncGenerator<string | AgentEvent> {
  const [, name = tools.list[0]?.name, json = '{}'] = /^(\S+)(?:\s+(.+))?$/s.exec(rest) ?? [];
  if (name === undefined) return yield 'You offer me no tools. `switchboard chat` does, unless it is told --no-tools.';
  const args = parse(json);
  if (args === undefined) return yield `That is no JSON: ${json}`;
  if (!tools.list.some((offered) => offered.name === name)) {
    return yield `You offer me no tool ${name}. What you offer: ${namesOf(tools.list)}.`;
  }
  const call = { call_id: 'call-1', tool: name };
  yield { kind: 'tool_call', ...call, params: args.value };
  const progress: ToolProgress[] = [];
  try {
    const result = await tools.call(name, args.value, { onProgress: (step) => progress.push(step) });
    const text = JSON.stringify(result);
    yield { kind: 'tool_result', ...call, ok: true, excerpt: text.slice(0, 200) };
    const steps = progress.length > 0 ? ` (after ${progress.length} reports of progress)` : '';
    yield `Your ${name} says${steps}: ${text}`;
  } catch (error) {
    // A call that is cancelled ends with its turn; anything else but an answer ends it as it would any agent's.
    if (!(error instanceof RpcError) || error instanceof ToolCancelledError) throw error;
    yield { kind: 'tool_result', ...call, ok: false, excerpt: error.message };
    yield error instanceof ApprovalDeniedError
      ? `I was not allowed to use ${name}: ${error.reason === 'timeout' ? 'nobody answered in time' : 'it was denied'}.`
      : `Your ${name} did not work: ${error.message} (${error.code})`;
  }
}

async function* approve(turn: Turn, rest: string): AsyncGenerator<string> {
  yield 'I ask before I go on.\n';
  const { approved, answer } = await turn.requestApproval({ action: rest || 'show you what an approval looks like' });
  yield approved ? 'It was approved.' : 'It was denied.';
  if (answer !== undefined) yield ` With these words: ${JSON.stringify(answer)}`;
}

async function* slow({ signal }: Turn, _rest: string, pause: Pause): AsyncGenerator<string> {
  for (let second = 1; second <= SLOW_SECONDS; second++) {
    await pause(1_000, signal);
    yield `${second} `;
  }
}

// biome-ignore lint/correctness/useYield: it fails before it has anything to say
async function* fail(): AsyncGenerator<string> {
  throw new Error('this is how a failed turn looks');
}

const commands: ReadonlyMap<string, Command> = new Map([
  [
    '/tool',
    { usage: '/tool [NAME [JSON]]', does: 'runs a tool of yours, the first one unless you name it', run: tool },
  ],
  ['/approve', { usage: '/approve [WHAT]', does: 'asks for your approval, and says what was decided', run: approve }],
  ['/slow', { usage: '/slow', does: `streams for ${SLOW_SECONDS} seconds; cancel me`, run: slow }],
  ['/fail', { usage: '/fail', does: 'ends in an error', run: fail }],
  ['/help', { usage: '/help', does: 'says this', run: help }],
]);

/** The command that a prompt is, with what follows it; undefined where it is just a prompt. */
export function findCommand(prompt: string): { run: Run; rest: string } | undefined {
  const [name = ''] = /^\/\S+/.exec(prompt) ?? [];
  const command = commands.get(name);
  return command && { run: command.run, rest: prompt.slice(name.length).trim() };
}

/** A JSON value in a box, because `null` is one; undefined where the text is none. */
function parse(json: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
}

function namesOf(tools: readonly ToolDefinition[]): string {
  return tools.map(({ name }) => name).join(', ') || 'none';
}
