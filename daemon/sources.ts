import { readFileSync } from 'node:fs';
import { isObject } from '../protocol/json.ts';
import { ConfigError, isSystemError } from './errors.ts';
import { type FlagKind, variableOf } from './flag.ts';

/** A setting as somebody gave it, not yet checked. */
export interface Given {
  /** What they gave, so that an error can name it: `--port`, `SWITCHBOARD_PORT`, or the key and its file. */
  label: string;
  value: unknown;
}

/** What one source gives, by flag name. */
export type Source = Map<string, Given>;

/** Flags by name. */
export type Kinds = ReadonlyMap<string, FlagKind>;

/** Variables that the daemon knows and that are no flag of it: the tokens, and the SDK's own. */
const OTHER_VARIABLES = [
  'SWITCHBOARD_AUTH_TOKEN',
  'SWITCHBOARD_HOST_TOKEN',
  'SWITCHBOARD_URL',
  'SWITCHBOARD_AGENT_TOKEN',
  'SWITCHBOARD_JWT',
];

/**
 * Reads the command line: `--flag value`, `--flag=value`, `--switch`, and `--switch=false` against a variable or file.
 *
 * @throws ConfigError for anything else.
 */
export function readFlags(argv: readonly string[], kinds: Kinds): Source {
  const source: Source = new Map();
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) throw new ConfigError(`unexpected argument ${show(argument)}; see --help`);
    const kind = kinds.get(name);
    const label = `--${name}`;
    if (kind === undefined) throw new ConfigError(`unknown flag ${show(label)}; see --help`);
    const text = inline ?? (kind === 'switch' ? 'true' : rest.shift());
    // "--host --port 1" forgot the host's name; a value that does begin so can be given by "=".
    if (text === undefined || (inline === undefined && text.startsWith('--'))) {
      throw new ConfigError(`${label} needs a value; see --help`);
    }
    const before = source.get(name)?.value;
    const value = kind === 'list' ? [...(Array.isArray(before) ? before : []), text] : fromText(text, kind);
    source.set(name, { label, value });
  }
  return source;
}

/**
 * Reads the `SWITCHBOARD_*` variables. An empty one counts as unset.
 *
 * @throws ConfigError for an unknown one.
 */
export function readVariables(env: NodeJS.ProcessEnv, kinds: Kinds): Source {
  const source: Source = new Map();
  const names = new Map([...kinds.keys()].map((name) => [variableOf(name), name]));
  for (const [label, text] of Object.entries(env)) {
    if (!label.startsWith('SWITCHBOARD_') || !text || OTHER_VARIABLES.includes(label)) continue;
    const name = names.get(label);
    const kind = name === undefined ? undefined : kinds.get(name);
    if (name === undefined || kind === undefined) throw new ConfigError(`unknown variable ${label}; see --help`);
    source.set(name, { label, value: fromText(text, kind) });
  }
  return source;
}

/**
 * Reads a config file: a JSON object whose keys are flags' names without `--`.
 *
 * @param label - who named the file, for errors: `--config` or its variable.
 * @throws ConfigError for a file that cannot be read or is malformed, and for an unknown key.
 */
export function readConfigFile(path: string, label: string, kinds: Kinds): Source {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new ConfigError(`${label} takes a JSON file, and ${show(path)} cannot be read: ${error.code}`);
  }
  const source: Source = new Map();
  for (const [name, value] of Object.entries(parseObject(text, path, label))) {
    if (!kinds.has(name)) throw new ConfigError(`unknown key ${show(name)} in ${path}; keys are flags without "--"`);
    source.set(name, { label: `${show(name)} in ${path}`, value });
  }
  return source;
}

function parseObject(text: string, path: string, label: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Told below; the parser's own message may run over several lines.
  }
  throw new ConfigError(`${label} takes a file that holds one JSON object, and ${show(path)} does not`);
}

/** Text that does not fit stays text, so that the schema refuses it and the error shows what was given. */
function fromText(text: string, kind: FlagKind): unknown {
  if (kind === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (kind === 'list') return text.split(',').map((item) => item.trim());
  if (kind === 'text') return text;
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : text;
}

/** A value as an error quotes it: on one line, and not for ever. */
export function show(value: unknown): string {
  const written = JSON.stringify(value) ?? String(value);
  // Of a URL neither its user nor its query: the line goes into a log.
  const text = written.replace(/(:\/\/)[^/?#"]*@/, '$1…@').replace(/(:\/\/[^?"]*\?)[^"]*/, '$1…');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
