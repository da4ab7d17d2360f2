import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isObject } from '../protocol/json.ts';
import { lineOfFault } from './json-fault.ts';
import { type Entry, readEntry, SettingError } from './kinds.ts';

/** Agents in one file. */
const MAX_AGENTS = 256;
/** Largest file. Bytes. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads a file that names agents to be attached: `{"agents": [{"id": …, "acp": […], …}, …]}`. Settings are named as the flags
 * of `switchboard attach` are, without `--`; a `cwd` that is relative is so to the file.
 * @param label who named the file: `--attach`.
 * @throws {SettingError} one line, which names the file and the place in it.
 */
export function readAttachFile(path: string, label: string): Entry[] {
  const wrong = (words: string) => new SettingError(`${label} takes ${words}: ${JSON.stringify(path)}`);
  const value = parse(path, wrong);
  if (!isObject(value) || !Array.isArray(value.agents) || Object.keys(value).length !== 1)
    throw wrong('a file that holds {"agents": […]}');
  const { agents } = value;
  if (agents.length > MAX_AGENTS) throw wrong(`at most ${MAX_AGENTS} agents`);
  const place = (index: number) => (setting: string) => `agents[${index}]${setting === '' ? '' : `.${setting}`}`;
  const inFile = (words: string) => new SettingError(`${words}: ${JSON.stringify(path)}`);
  const entries = agents.map((agent: unknown, index) => {
    if (!isObject(agent)) throw inFile(`${place(index)('')} takes an object with the settings of an agent`);
    const { cwd } = agent;
    try {
      return readEntry(typeof cwd === 'string' ? { ...agent, cwd: resolve(dirname(path), cwd) } : agent, place(index));
    } catch (error) {
      throw error instanceof SettingError ? inFile(error.message) : error;
    }
  });
  for (const [index, { id }] of entries.entries()) {
    const first = entries.findIndex((entry) => entry.id === id);
    if (first < index) throw inFile(`${place(index)('id')} is that of agents[${first}]`);
  }
  return entries;
}

function parse(path: string, wrong: (words: string) => SettingError): unknown {
  let text: string;
  try {
    // At a pipe one would wait for ever.
    const file = statSync(path);
    if (!file.isFile()) throw Object.assign(new Error(), { code: 'it is no file' });
    if (file.size > MAX_FILE_BYTES) throw Object.assign(new Error(), { code: 'it is larger than 1 MiB' });
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(`a JSON file, and this cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(`a JSON file, and this is none from line ${lineOfFault(text)} on`);
  }
}
