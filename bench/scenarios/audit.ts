import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuditKey, openAuditTrail } from '../../broker.ts';
import type { AuditEntry } from '../../protocol/audit.ts';
import { withSpread } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';

/** Entries that are noted in one step, as one read of a socket may bring about. */
const AT_ONCE = 20;

/** What the audit costs an entry: noted, chained, written and synced. */
export const auditScenario: Scenario = {
  name: 'audit',
  does: 'the audit, noted, chained, written and synced, an entry; in this process',
  run,
};

interface Round {
  entries: number;
  /** Of the whole process, what the disk's threads work included. */
  cpuUs: number;
  /** Of it, what whoever notes something waits for. */
  noteUs: number;
  perSecond: number;
}

async function run({ sizes: { auditEntries, rounds } }: Setting): Promise<Outcome> {
  // The first one does not count.
  const results: Round[] = [];
  for (let round = 0; round <= rounds; round += 1) results.push(await measure(auditEntries));
  const counted = results.slice(1);
  return {
    tables: [
      {
        title: 'The audit, an entry',
        columns: ['', 'CPU µs/entry', 'of that, noting it', 'entries/s'],
        rows: [
          [
            `${AT_ONCE} at once`,
            withSpread(
              counted.map(({ cpuUs }) => cpuUs),
              2,
            ),
            withSpread(
              counted.map(({ noteUs }) => noteUs),
              2,
            ),
            withSpread(
              counted.map(({ perSecond }) => perSecond),
              0,
            ),
          ],
        ],
      },
    ],
    goals: [],
    raw: counted,
  };
}

async function measure(entries: number): Promise<Round> {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-bench-'));
  try {
    const key = openAuditKey(join(directory, 'audit.key'));
    const trail = await openAuditTrail({ path: join(directory, 'audit.jsonl'), key });
    await trail.flush();
    const [before, start] = [process.cpuUsage(), performance.now()];
    let noting = 0;
    for (let n = 0; n < entries; n += AT_ONCE) {
      const from = performance.now();
      for (let at = n; at < n + AT_ONCE; at += 1) trail.note(entry(at));
      noting += performance.now() - from;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await trail.flush();
    const seconds = (performance.now() - start) / 1_000;
    const { user, system } = process.cpuUsage(before);
    const { lost } = trail.state;
    await trail.close();
    if (lost > 0) throw new Error(`${lost} entries had no room`);
    return {
      entries,
      cpuUs: (user + system) / entries,
      noteUs: (noting * 1_000) / entries,
      perSecond: entries / seconds,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As a turn's opening is noted. */
const entry = (n: number): AuditEntry => ({
  tenant: 'default',
  who: 'local',
  conn: 'client-0197a2b4-8e5f-7c3d-9a1b-2c4d6e8f0a1b',
  ip: '127.0.0.1',
  what: 'turn.open',
  on: `turn-0197a2b4-8e5f-7c3d-9a1b-${String(n).padStart(12, '0')}`,
  outcome: 'ok',
  data: { session: 'main', agent: 'echo', agent_conn: 'client-0197a2b4-8e5f-7c3d-9a1b-2c4d6e8f0a1c' },
});
