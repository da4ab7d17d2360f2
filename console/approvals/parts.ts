import { writeJson } from '../../protocol/write-json.ts';
import { changed, type DiffLine, diffLines, isDiff } from './diff.ts';
import { typed } from './shell.ts';

/** A piece of what an approval is about that is read better as what it is than as JSON. `name`: where it stands in it. */
export type Part =
  | { kind: 'shell'; name: string; commands: readonly string[] }
  | { kind: 'diff'; name: string; lines: readonly DiffLine[] }
  | { kind: 'text'; name: string; text: string };

/** What {@link partsOf} makes of a value: `parts` and `others` together hold all of it. */
export interface Parts {
  parts: readonly Part[];
  /** All else as JSON; empty where there is nothing. */
  others: string;
}

/** Names under which agents send what a shell is to run. */
const COMMANDS: ReadonlySet<string> = new Set(['command', 'commands', 'cmd', 'command_line', 'commandLine', 'argv']);
/** Names under which they send a text and what is to stand in its place. */
const CHANGES = [
  ['old_string', 'new_string'],
  ['old_str', 'new_str'],
  ['oldText', 'newText'],
  ['old_text', 'new_text'],
] as const;
const MAX_DEPTH = 6;
const MAX_PARTS = 30;
const LEFT_OUT = Symbol('drawn as a part of its own');

/** Takes commands, changes and texts of several lines out of a value. */
export function partsOf(told: unknown): Parts {
  const parts: Part[] = [];
  const others = take(told, [], parts);
  return { parts, others: others === LEFT_OUT || others === undefined ? '' : (writeJson(others, 2) ?? '') };
}

/** @returns what is left of a value. */
function take(value: unknown, path: readonly string[], parts: Part[]): unknown {
  if (parts.length >= MAX_PARTS || path.length > MAX_DEPTH) return value;
  if (typeof value === 'string') return takeText(value, path.join('.'), parts);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const left = value.map((one, at) => take(one, [...path, String(at)], parts));
    if (left.length > 0 && left.every((one) => one === LEFT_OUT)) return LEFT_OUT;
    // The others keep their numbers.
    return left.map((one) => (one === LEFT_OUT ? '(shown above)' : one));
  }
  return takeObject(value as Readonly<Record<string, unknown>>, path, parts);
}

function takeObject(value: Readonly<Record<string, unknown>>, path: readonly string[], parts: Part[]): unknown {
  const entries = Object.entries(value);
  if (entries.length === 0) return value;
  const taken = new Set<string>();
  const named = (name: string) => [...path, name].join('.');
  for (const [before, after] of CHANGES) {
    const [old, fresh] = [value[before], value[after]];
    if (typeof old !== 'string' || typeof fresh !== 'string') continue;
    parts.push({ kind: 'diff', name: `${named(before)} → ${after}`, lines: changed(old, fresh) });
    taken.add(before).add(after);
  }
  for (const [name, one] of entries) {
    const commands = COMMANDS.has(name) ? commandsOf(name, one, value.args) : undefined;
    if (commands === undefined) continue;
    const withArguments = commands.hasArguments ? ' + args' : '';
    parts.push({ kind: 'shell', name: `${named(name)}${withArguments}`, commands: commands.lines });
    taken.add(name);
    if (commands.hasArguments) taken.add('args');
  }
  const left = entries
    .filter(([name]) => !taken.has(name))
    .map(([name, one]) => [name, take(one, [...path, name], parts)] as const)
    .filter(([, one]) => one !== LEFT_OUT);
  // `fromEntries` defines what it makes: a key called `__proto__` stays one.
  return left.length === 0 ? LEFT_OUT : Object.fromEntries(left);
}

function commandsOf(
  name: string,
  value: unknown,
  given: unknown,
): { lines: string[]; hasArguments: boolean } | undefined {
  if (typeof value === 'string' && value !== '') {
    const hasArguments = isTexts(given);
    return { lines: [hasArguments ? typed([value, ...given]) : value], hasArguments };
  }
  if (!isTexts(value)) return undefined;
  return { lines: name === 'commands' ? [...value] : [typed(value)], hasArguments: false };
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');

/** A text of several lines is drawn as such: in JSON they would run together. */
function takeText(text: string, name: string, parts: Part[]): unknown {
  if (!text.includes('\n')) return text;
  parts.push(isDiff(text) ? { kind: 'diff', name, lines: diffLines(text) } : { kind: 'text', name, text });
  return LEFT_OUT;
}
