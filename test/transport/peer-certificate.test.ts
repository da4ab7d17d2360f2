import { describe, expect, test } from 'vitest';
import { urisOf } from '../../transport/peer-certificate.ts';

describe('the URIs of alternative names', () => {
  test.each([
    ['', []],
    ['DNS:localhost, IP Address:127.0.0.1', []],
    ['URI:a:1', ['a:1']],
    ['DNS:x, URI:a:1, email:a@b, URI:b:2', ['a:1', 'b:2']],
    ['URI:"a:1, URI:b:2"', ['a:1, URI:b:2']],
    ['DNS:"x, URI:a:1", URI:b:2', ['b:2']],
    ['DNS:"x\\", URI:a:1", URI:b:2', ['b:2']],
    ['URI:"a:1\\u002c b"', ['a:1, b']],
    ['othername:<unsupported>, URI:a:1', ['a:1']],
    // What cannot be read to its end has none.
    ['URI:a:1, nonsense', []],
    ['URI:a:1, DNS:"x', []],
    ['URI:a:1,URI:b:2', []],
    ['URI:a"b:1', []],
    ['URI:"a\\x"', []],
  ])('%j', (names, uris) => {
    expect(urisOf(names)).toEqual(uris);
  });
});
