import { exampleOf } from './example.ts';

/** What a model is asked to do by the words of a prompt, whatever API they came by. */

/** A tool that a request offers. */
export interface Tool {
  name: string;
  /** What a tool of the responses API may be a member of. */
  namespace?: string;
  /** Names of its parameters. */
  parameters: readonly string[];
}

/** A request, whatever its API. */
export interface Asked {
  /** What each message of the user's says, the last one last. */
  said: readonly string[];
  /** What the tool that was called last has answered; undefined where a person spoke last. */
  result: string | undefined;
  tools: readonly Tool[];
  /** The JSON schema that the answer is to match, where the request has one. */
  schema?: unknown;
}

/** What the model answers. */
export type Reply =
  | { kind: 'text'; pieces: readonly string[]; everyMs: number }
  | { kind: 'call'; tool: Tool; args: Record<string, unknown> };

/** How often and how long a slow answer says a word: longer than anybody waits who does not cancel it. */
const SLOW = { words: 600, everyMs: 200 };

/** One command: `[[say WORDS]]`, `[[recall]]`, `[[slow]]`, `[[call TOOL {JSON}]]`, `[[write PATH WORDS]]`. */
const COMMAND = /\[\[(say|recall|slow|call|write)(?:\s+(\S+))?(?:\s+([^\]]*))?\]\]/g;

/**
 * What a request is answered with: of the last command that the user's last message has, or how often the user spoke.
 * What a tool has answered is told as it came.
 */
export function replyTo({ said, result, tools, schema }: Asked): Reply {
  if (schema !== undefined) return text(JSON.stringify(exampleOf(schema)));
  if (result !== undefined) return text(`result: ${result}`);
  const [, command, first = '', rest = ''] = commandsOf(said.at(-1) ?? '').at(-1) ?? [];
  switch (command) {
    case 'say':
      return text(`${first} ${rest}`.trim());
    case 'recall':
      return text(`earlier: ${earlier(said).join(', ')}`);
    case 'slow':
      return { kind: 'text', pieces: Array.from({ length: SLOW.words }, (_, i) => `w${i} `), everyMs: SLOW.everyMs };
    case 'call':
      return call(tools, first, rest === '' ? {} : JSON.parse(rest));
    case 'write':
      return write(tools, first, rest);
    default:
      return text('no command');
  }
}

/** What the user had said before the last message. */
function earlier(said: readonly string[]): string[] {
  return said
    .slice(0, -1)
    .flatMap(commandsOf)
    .filter(([, command]) => command === 'say')
    .map(([, , first = '', rest = '']) => `${first} ${rest}`.trim());
}

/** Whether a person said this, who wants something. */
export function hasCommand(words: string): boolean {
  return commandsOf(words).length > 0;
}

function commandsOf(words: string): RegExpMatchArray[] {
  return [...words.matchAll(COMMAND)];
}

function text(words: string): Reply {
  return { kind: 'text', pieces: words.split(/(?<= )/), everyMs: 0 };
}

/** A tool by its name, or by what agents make of the name of a tool of an MCP server. */
function find(tools: readonly Tool[], name: string): Tool | undefined {
  return tools.find((tool) => tool.name === name) ?? tools.find((tool) => tool.name.endsWith(`_${name}`));
}

function call(tools: readonly Tool[], name: string, args: Record<string, unknown>): Reply {
  const tool = find(tools, name);
  return tool ? { kind: 'call', tool, args } : text(`no tool ${name} among ${tools.map((it) => it.name).join(' ')}`);
}

/** The agent's own way of writing a file: a tool for that, or a shell. */
function write(tools: readonly Tool[], path: string, content: string): Reply {
  for (const name of ['write_file', 'Write', 'write']) {
    const tool = tools.find((it) => it.name === name);
    const [at] = tool?.parameters.filter((it) => /^file_?path$/i.test(it)) ?? [];
    if (tool && at) return { kind: 'call', tool, args: { [at]: path, content } };
  }
  const line = `printf %s '${content}' > '${path}'`;
  for (const tool of tools) {
    const command = { exec_command: { cmd: line }, shell_command: { command: line } }[tool.name];
    const shell = tool.name === 'shell' ? { command: ['sh', '-c', line] } : command;
    // Codex runs it where nothing can be written, unless it is asked to ask.
    const asks = { sandbox_permissions: 'require_escalated', justification: 'May I write this file?' };
    if (shell) return { kind: 'call', tool, args: { ...shell, ...asks } };
  }
  return text(`no tool that writes among ${tools.map((it) => it.name).join(' ')}`);
}
