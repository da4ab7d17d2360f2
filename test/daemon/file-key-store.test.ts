import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KeyRecord } from '../../actors/connection/key-store.ts';
import { StartError } from '../../daemon/errors.ts';
import { fileKeyStore } from '../../daemon/file-key-store.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

const HASH = '0a'.repeat(32);
const record = (name: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  tenant: 'default',
  name,
  sub: name,
  scopes: ['chat'],
  token_hash: HASH,
  created_at: '2030-01-31T12:00:00.000Z',
  ...more,
});
const storePath = () => join(temporaryDirectory(), 'keys.json');

describe('the keys’ file', () => {
  it('gives back what was saved, and is private', async () => {
    const path = storePath();
    expect(fileKeyStore(path).load()).toEqual([]);
    const records = [
      record('a'),
      record('a', { tenant: 'acme', agents: ['echo'], fronts: ['ws'], expires_at: '2031-01-31T12:00:00.000Z' }),
      record('b', {
        sub: 'Zoë "quoted"',
        previous: { token_hash: '0b'.repeat(32), until: '2030-02-01T00:00:00.000Z' },
      }),
    ];
    await fileKeyStore(path).save(records);
    expect(fileKeyStore(path).load()).toEqual(records);
    expect(modeOf(path)).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify({ keys: records }, null, 2)}\n`);
  });

  it.each([
    ['{', 'not JSON'],
    ['{}', 'keys'],
    [JSON.stringify({ keys: [record('a b')] }), 'keys.0.name'],
    [JSON.stringify({ keys: [record('local')] }), 'keys.0.name'],
    [JSON.stringify({ keys: [record('a', { sub: 'agent:x' })] }), 'keys.0.sub'],
    [JSON.stringify({ keys: [record('a', { scopes: [] })] }), 'keys.0.scopes'],
    [JSON.stringify({ keys: [record('a', { token_hash: 'short' })] }), 'keys.0.token_hash'],
    [JSON.stringify({ keys: [record('a', { expires_at: 'tomorrow' })] }), 'keys.0.expires_at'],
    [JSON.stringify({ keys: [record('a'), record('a')] }), 'an id is there twice'],
  ])('that says %s is refused in one line, and left as it is', (text, why) => {
    const path = storePath();
    writeFileSync(path, text);
    const load = () => fileKeyStore(path).load();
    expect(load).toThrow(StartError);
    expect(load).toThrow(new RegExp(`^[^\\n]*keys.json is malformed and was left as it is: [^\\n]*${why}[^\\n]*$`));
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('that others may write is not trusted', () => {
    const path = storePath();
    writeFileSync(path, JSON.stringify({ keys: [] }));
    chmodSync(path, 0o666);
    expect(() => fileKeyStore(path).load()).toThrow(/can be written by others/);
  });
});
