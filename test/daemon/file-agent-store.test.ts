import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentRecord } from '../../actors/connection/agent-store.ts';
import { StartError } from '../../daemon/errors.ts';
import { fileAgentStore } from '../../daemon/file-agent-store.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

function record(id: string, more: Partial<AgentRecord> = {}): AgentRecord {
  return { id, name: id, capabilities: ['chat'], metadata: {}, token_hash: '0a'.repeat(32), ...more };
}

const storePath = () => join(temporaryDirectory(), 'agents.json');

describe('the agents’ file', () => {
  it('is not there at first, and that is an empty store', () => {
    expect(fileAgentStore(storePath()).load()).toEqual([]);
  });

  it('gives back what was saved, odd names too', async () => {
    const path = storePath();
    const metadata = JSON.parse('{"__proto__": {"a": [1, null]}, "constructor": "x"}');
    const records = [record('__proto__', { metadata, name: 'Zoë "quoted"\n' }), record('constructor')];
    await fileAgentStore(path).save(records);
    const loaded = fileAgentStore(path).load();
    expect(JSON.stringify(loaded)).toBe(JSON.stringify(records));
  });

  it('keeps an agent of another tenant, and one of the same id, apart', async () => {
    const path = storePath();
    const records = [record('echo'), record('acme/echo', { name: 'echo' })];
    await fileAgentStore(path).save(records);
    expect(fileAgentStore(path).load()).toEqual(records);
  });

  it('reads as one JSON text would, whatever its size, and is no one text', async () => {
    const path = storePath();
    for (const count of [0, 1, 2, 3_000]) {
      const records = Array.from({ length: count }, (_, i) => record(`a${i}`, { metadata: { text: '"\n', i } }));
      await fileAgentStore(path).save(records);
      expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify({ agents: records }, null, 2)}\n`);
    }
  });

  it('is private, and a save replaces it as a whole', async () => {
    const path = storePath();
    const store = fileAgentStore(path);
    await store.save([record('a'), record('b')]);
    await store.save([record('c')]);
    expect(modeOf(path)).toBe(0o600);
    expect(store.load()).toEqual([record('c')]);
    expect(readdirSync(join(path, '..'))).toEqual(['agents.json']);
  });

  it('is saved over what an interrupted save left', async () => {
    const path = storePath();
    writeFileSync(`${path}.tmp`, 'half a fi', { mode: 0o644 });
    await fileAgentStore(path).save([record('a')]);
    expect(modeOf(path)).toBe(0o600);
    expect(readdirSync(join(path, '..'))).toEqual(['agents.json']);
  });

  it('stays as it was when a save fails', async () => {
    const path = storePath();
    const store = fileAgentStore(path);
    await store.save([record('a')]);
    // A directory in the temporary file's place cannot be written, not even by root.
    mkdirSync(join(`${path}.tmp`, 'in the way'), { recursive: true });
    await expect(store.save([record('b')])).rejects.toThrow(/agents\.json\.tmp/);
    expect(store.load()).toEqual([record('a')]);
  });

  it.each([
    ['{', 'not JSON'],
    ['', 'not JSON'],
    ['[]', 'the whole'],
    ['{}', 'agents'],
    ['{"agents": [{"id": "a"}]}', 'agents.0.name'],
    [JSON.stringify({ agents: [record('a b')] }), 'agents.0.id'],
    [JSON.stringify({ agents: [record('default/a')] }), 'agents.0.id'],
    [JSON.stringify({ agents: [record('a/b/c')] }), 'agents.0.id'],
    [JSON.stringify({ agents: [record('a', { token_hash: 'short' })] }), 'agents.0.token_hash'],
    [JSON.stringify({ agents: [record('a'), record('a')] }), 'an id is there twice'],
  ])('that says %s is refused in one line, and left as it is', (text, why) => {
    const path = storePath();
    writeFileSync(path, text);
    const load = () => fileAgentStore(path).load();
    expect(load).toThrow(StartError);
    expect(load).toThrow(new RegExp(`^[^\\n]*agents.json is malformed and was left as it is: [^\\n]*${why}[^\\n]*$`));
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('that cannot be read is refused in one line', () => {
    const path = storePath();
    mkdirSync(path);
    expect(() => fileAgentStore(path).load()).toThrow(`cannot read the agents in ${path}: EISDIR`);
  });
});
