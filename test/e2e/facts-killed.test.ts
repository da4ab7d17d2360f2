import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import type { FactStore } from '../../memory/fact-store.ts';
import { journalFactStore } from '../../memory/journal-fact-store.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { DIST, Program } from './support/program.ts';

/* A process that keeps facts, and is killed at any moment. */

/** Adds and deletes facts without end, in small files that are made anew all the time, and says what is done. */
const WRITER = `
import { randomUUID } from 'node:crypto';
import { journalFactStore } from ${JSON.stringify(pathToFileURL(join(DIST, 'memory/journal-fact-store.js')).href)};
const store = journalFactStore(process.argv[1], { segmentBytes: 16 * 1024 });
const kept = [];
console.log('ready');
for (let n = 0; ; n += 1) {
  const id = randomUUID();
  const adding = store.put('ann', { id, subject: 's', body: 'x'.repeat(n % 700), kind: 'fact', created_at: n });
  void adding.then(() => console.log('+' + id));
  kept.push(id);
  if (n % 5 === 4) await adding;
  if (kept.length > 60) {
    const gone = kept.shift();
    console.log('?' + gone);
    void store.delete('ann', gone).then(() => console.log('-' + gone));
  }
}
`;

it('facts of a process that is killed › nothing that was acknowledged is lost or comes back, and the files stay bounded', async () => {
  const directory = temporaryDirectory();
  const added = new Set<string>();
  /** Asked for: perhaps there, perhaps not. */
  const uncertain = new Set<string>();
  for (let round = 0; round < 12; round += 1) {
    const program = new Program(['--input-type=module', '-e', WRITER, directory]);
    await program.shows('ready');
    await new Promise((resolve) => setTimeout(resolve, 40 + ((round * 137) % 400)));
    await program.kill('SIGKILL');
    // Its last line may be torn.
    for (const line of program.out.split('\n').slice(0, -1)) {
      const id = line.slice(1);
      if (line[0] === '+') added.add(id);
      if (line[0] === '?') uncertain.add(id);
      if (line[0] === '-') added.delete(id);
      if (line[0] === '-') uncertain.delete(id);
    }
    // A torn write of a power cut besides, which no kill makes.
    const last = readdirSync(directory).sort().at(-1) ?? '';
    if (round % 3 === 2) writeFileSync(join(directory, last), Buffer.alloc(round, 0xfe), { flag: 'a' });
    const store = journalFactStore(directory, { segmentBytes: 16 * 1024 });
    const there = new Set(all(store));
    const missing = [...added].filter((id) => !there.has(id) && !uncertain.has(id));
    expect(missing).toEqual([]);
    const deleted = program.lines.filter((line) => line[0] === '-').map((line) => line.slice(1));
    expect(deleted.filter((id) => there.has(id))).toEqual([]);
    // What was on its way is settled by now.
    for (const id of uncertain) if (!there.has(id)) added.delete(id);
    uncertain.clear();
    const size = () => readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
    // Files are made anew behind the writes: who writes without end is ahead of that, and was killed in the midst of it.
    await vi.waitFor(() => expect(size()).toBeLessThan(2 * store.bytes() + 6 * 16 * 1024));
    await store.close();
  }
  expect(added.size).toBeGreaterThan(100);
});

function all(store: FactStore): string[] {
  const read = store.reader('ann');
  const ids: string[] = [];
  for (let some = read(100, 1e6); some.length > 0; some = read(100, 1e6)) ids.push(...some.map(({ id }) => id));
  return ids;
}
