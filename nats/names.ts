import { createHash } from 'node:crypto';
import { isPeerName } from '../link/frame.ts';
import { NatsError } from './errors.ts';

/** The longest name that stands in a key as it is; of a longer one its hash does. */
const MAX_KEY = 200;
/** What a key may consist of, but for `=`, which begins what was written otherwise. */
const PLAIN = /[A-Za-z0-9_/-]/;

/** Names in NATS of one cluster (`docs/cluster.md`). */
export interface Names {
  /** What everybody hears: heartbeats. */
  readonly heartbeats: string;
  /** What one life of a broker hears. */
  frames(broker: string, epoch: string): string;
  /** Where a bucket's changes are told. */
  changes(bucket: Bucket): string;
  bucket(bucket: Bucket): string;
  readonly endedStream: string;
  /** Part of an ended turn's log. */
  ended(turn: string, part: number | '*'): string;
}

/** Who is attached; who holds a session; what is registered. */
export type Bucket = 'ATT' | 'SES' | 'AGENT';

/** @throws {NatsError} `config`, where that is no name of a cluster */
export function namesOf(cluster: string): Names {
  if (!isPeerName(cluster)) {
    throw new NatsError('config', 'the name of a cluster has 1 to 64 letters, digits, - and _');
  }
  const root = `sb.${cluster}`;
  return {
    heartbeats: `${root}.hb`,
    frames: (broker, epoch) => `${root}.b.${broker}.${epoch}.d`,
    changes: (bucket) => `${root}.kv.${bucket}`,
    bucket: (bucket) => `SB_${cluster}_${bucket}`,
    endedStream: `SB_${cluster}_END`,
    ended: (turn, part) => `${root}.end.${turn}.${part}`,
  };
}

/** A name as a key of a bucket: as it is where that can be, so that people can read it. */
export function keyOf(name: string): string {
  let key = '';
  for (const byte of Buffer.from(name)) {
    const one = String.fromCharCode(byte);
    // A point parts tokens, of which none may be empty.
    const isPlain = PLAIN.test(one) || (one === '.' && key !== '' && !key.endsWith('.'));
    key += isPlain ? one : `=${byte.toString(16).padStart(2, '0')}`;
    if (key.length > MAX_KEY) return hashKey(name);
  }
  return key === '' || key.endsWith('.') ? hashKey(name) : key;
}

/** A name as a key that says nothing of it. */
export const hashKey = (name: string): string => `==${createHash('sha256').update(name).digest('base64url')}`;
