import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, toCheckpoint } from '../../audit/chain.ts';
import { openAuditKey } from '../../audit/key.ts';
import { type FileTrail, openAuditTrail, type TrailEvents } from '../../audit/trail.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

/** A place for an audit file and its key, gone after the test. */
export function auditPlace() {
  const directory = temporaryDirectory();
  const path = join(directory, 'audit.jsonl');
  const keyFile = join(directory, 'audit.key');
  const key = openAuditKey(keyFile);
  const logged: Checkpoint[] = [];
  const on: TrailEvents = { checkpoint: (checkpoint) => logged.push(checkpoint) };
  return {
    directory,
    path,
    keyFile,
    key,
    /** What a log was told. */
    logged,
    open: (more: Partial<Parameters<typeof openAuditTrail>[0]> = {}): Promise<FileTrail> =>
      openAuditTrail({ path, key, ...more, on: { ...on, ...more.on } }),
  };
}

/** The records of a file. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever stands there
export function recordsOf(path: string): any[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** What records are about, in order. */
export const whatsOf = (path: string): string[] => recordsOf(path).map(({ what }) => what);

/** The checkpoints that stand in a file. */
export const checkpointsIn = (path: string): Checkpoint[] =>
  recordsOf(path)
    .filter(({ what }) => what === 'audit.checkpoint')
    .map((record) => toCheckpoint(record) as Checkpoint);
