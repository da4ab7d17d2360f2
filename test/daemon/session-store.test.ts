import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StartError } from '../../daemon/errors.ts';
import { fileSessionStore } from '../../daemon/session-store.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

const session = (session_id: string, agent_session_id = 'x') => ({ session_id, agent_session_id, cwd: '/srv' });

describe('the file of an agent’s sessions', () => {
  it('gives back what was saved, and is private, as is its directory', async () => {
    const home = join(temporaryDirectory(), 'home');
    expect(fileSessionStore(home, 'a1').load()).toEqual([]);
    const all = [session('one'), session('two:abcdefghijklm', 'of "its" own')];
    await fileSessionStore(home, 'a1').save(all);
    expect(fileSessionStore(home, 'a1').load()).toEqual(all);
    expect(fileSessionStore(home, 'a2').load()).toEqual([]);
    expect([home, join(home, 'attached'), join(home, 'attached/a1.json')].map(modeOf)).toEqual([0o700, 0o700, 0o600]);
  });

  it('keeps no session that it could not give back', async () => {
    const store = fileSessionStore(temporaryDirectory(), 'a1');
    store.load();
    await store.save([session('one', 'x'.repeat(5_000)), session('two')]);
    expect(store.load()).toEqual([session('two')]);
  });

  it('that others can write to, or that is malformed, is refused', () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'attached'), 0o700);
    const path = join(home, 'attached/a1.json');
    writeFileSync(path, '{"sessions": [5]}', { mode: 0o600 });
    expect(() => fileSessionStore(home, 'a1').load()).toThrow(StartError);
    writeFileSync(path, '{"sessions": []}');
    expect(fileSessionStore(home, 'a1').load()).toEqual([]);
    chmodSync(path, 0o666);
    expect(() => fileSessionStore(home, 'a1').load()).toThrow(/agents go on where it says/);
  });
});
