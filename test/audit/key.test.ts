import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuditKey, openAuditKey, parseAuditKey, readAuditKey } from '../../audit/key.ts';
import { modeOf, temporaryDirectory } from '../daemon/temporary.ts';

describe('the key of an audit', () => {
  it('is made where there is none, for its user alone, and stays the same', () => {
    const path = join(temporaryDirectory(), 'audit.key');
    const { id } = openAuditKey(path);
    expect(modeOf(path)).toBe(0o600);
    expect(openAuditKey(path).id).toBe(id);
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(readFileSync(path, 'utf8')).not.toContain(id);
  });

  it('that is not there is not made by whoever only reads it', () => {
    expect(() => readAuditKey(join(temporaryDirectory(), 'audit.key'))).toThrow('ENOENT');
  });

  it.each([0o640, 0o604, 0o620])('with mode %o is no secret, and refused', (mode) => {
    const path = join(temporaryDirectory(), 'audit.key');
    openAuditKey(path);
    chmodSync(path, mode);
    expect(() => openAuditKey(path)).toThrow(/can be read by others/);
  });

  const whole = JSON.parse(createAuditKey());
  it.each([
    ['', ''],
    ['no JSON', '{'],
    ['no object', '[]'],
    ['null', 'null'],
    ['of another version', JSON.stringify({ ...whole, switchboard_audit_key: 2 })],
    ['without its HMAC key', JSON.stringify({ ...whole, hmac: undefined })],
    ['with a short HMAC key', JSON.stringify({ ...whole, hmac: 'abc' })],
    ['with half a pair', JSON.stringify({ ...whole, ed25519_public: undefined })],
    ['too long', `${JSON.stringify(whole)}${' '.repeat(5_000)}`],
  ])('that is %s is refused, and nothing of it is said', (_what, text) => {
    const path = join(temporaryDirectory(), 'audit.key');
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => readAuditKey(path)).toThrow(`${path} is no key of an audit trail`);
  });

  it('signs with the pair that it says', () => {
    const mixed = { ...whole, ed25519_public: JSON.parse(createAuditKey()).ed25519_public };
    expect(() => parseAuditKey(JSON.stringify(mixed), 'mixed')).toThrow('mixed is no key of an audit trail');
  });
});
