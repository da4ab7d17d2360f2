import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { decodeFrame } from '../../protocol/frame.ts';

/** A frame as JSON text, from its members written out: so that an odd one can be written as it would arrive. */
const frame = (members: string) => `{"jsonrpc":"2.0",${members}}`;

const { ParseError, InvalidRequest } = ErrorCode;

describe('decodeFrame › when the text is no message', () => {
  test.each<[what: string, text: string, code: number, id: unknown]>([
    ['nothing at all', '', ParseError, null],
    ['white space', ' \n\t', ParseError, null],
    ['words', 'hello', ParseError, null],
    ['half an object', '{"jsonrpc":"2.0","id":1,"method":"m"', ParseError, null],
    ['single quotes', "{'jsonrpc':'2.0'}", ParseError, null],
    ['a trailing comma', '{"jsonrpc":"2.0","id":1,"method":"m",}', ParseError, null],
    ['two messages in one frame', `${frame('"id":1,"method":"m"')}${frame('"id":2,"method":"m"')}`, ParseError, null],
    ['NaN, which is not JSON', frame('"id":NaN,"method":"m"'), ParseError, null],
    ['a byte order mark', `\uFEFF${frame('"id":1,"method":"m"')}`, ParseError, null],
    ['a raw line break in a string', '{"jsonrpc":"2.0","id":"\n","method":"m"}', ParseError, null],
    ['an empty batch', '[]', InvalidRequest, null],
    ['a batch of one request', `[${frame('"id":1,"method":"m"')}]`, InvalidRequest, null],
    ['a batch of many', `[${frame('"id":1,"method":"m"')},${frame('"id":2,"method":"m"')},3]`, InvalidRequest, null],
    ['null', 'null', InvalidRequest, null],
    ['true', 'true', InvalidRequest, null],
    ['a number', '42', InvalidRequest, null],
    ['a string', '"m"', InvalidRequest, null],
    ['an empty object', '{}', InvalidRequest, null],
    ['no version', '{"id":1,"method":"m"}', InvalidRequest, 1],
    ['version 1.0', '{"jsonrpc":"1.0","id":1,"method":"m"}', InvalidRequest, 1],
    ['version 2 as a number', '{"jsonrpc":2.0,"id":"a","method":"m"}', InvalidRequest, 'a'],
    ['no version and no id', '{"method":"m"}', InvalidRequest, null],
    ['a version that only __proto__ has', '{"__proto__":{"jsonrpc":"2.0"},"id":1,"method":"m"}', InvalidRequest, 1],
    ['an id: null', frame('"id":null,"method":"m"'), InvalidRequest, null],
    ['an id: true', frame('"id":true,"method":"m"'), InvalidRequest, null],
    ['an id: object', frame('"id":{"a":1},"method":"m"'), InvalidRequest, null],
    ['an id: array', frame('"id":[1],"method":"m"'), InvalidRequest, null],
    ['an id: 1e400, which is Infinity once read', frame('"id":1e400,"method":"m"'), InvalidRequest, null],
    ['an id: -1e400', frame('"id":-1e400,"method":"m"'), InvalidRequest, null],
    ['an odd id and a wrong version', '{"jsonrpc":"1.0","id":{},"method":"m"}', InvalidRequest, null],
    ['a method: number', frame('"id":1,"method":7'), InvalidRequest, 1],
    ['a method: null', frame('"id":1,"method":null'), InvalidRequest, 1],
    ['a method: object', frame('"id":1,"method":{}'), InvalidRequest, 1],
    ['a method: array, without an id', frame('"method":["m"]'), InvalidRequest, null],
    ['params: string', frame('"id":1,"method":"m","params":"p"'), InvalidRequest, 1],
    ['params: number', frame('"id":1,"method":"m","params":0'), InvalidRequest, 1],
    ['params: false', frame('"id":1,"method":"m","params":false'), InvalidRequest, 1],
    ['params: string, without an id', frame('"method":"m","params":"p"'), InvalidRequest, null],
    ['a result without an id', frame('"result":1'), InvalidRequest, null],
    ['an error without an id', frame('"error":{"code":1,"message":"x"}'), InvalidRequest, null],
    ['a result for id: null', frame('"id":null,"result":1'), InvalidRequest, null],
  ])('%s › then it is refused with its code and id', (_what, text, code, id) => {
    const decoded = decodeFrame(text);
    expect(decoded).toMatchObject({ kind: 'bad', id });
    expect(decoded.kind === 'bad' && decoded.error.code).toBe(code);
  });
});

describe('decodeFrame › when an answer is no answer as JSON-RPC has it', () => {
  const made = (peer_error: unknown) => ({
    error: { code: ErrorCode.InternalError, message: 'the peer answered with a malformed error', data: { peer_error } },
    fault: 'error is {code, message}',
  });
  const empty = { result: null, fault: 'neither a request nor a notification nor a response' };

  test.each<[what: string, text: string, read: object]>([
    ['neither a result nor an error', frame('"id":1'), empty],
    ['params alone', frame('"id":1,"params":{}'), empty],
    ['a method that only __proto__ has', frame('"__proto__":{"method":"m"},"id":1'), empty],
    ['error: null and no result', frame('"id":1,"error":null'), empty],
    ['method: null and error: null', frame('"id":1,"method":null,"error":null'), empty],
    ['a result, and method: null', frame('"id":1,"method":null,"params":null,"result":2'), { result: 2 }],
    ['a result of another version', '{"jsonrpc":"1.0","id":1,"result":2}', { result: 2, fault: 'jsonrpc is "2.0"' }],
    ['a result without a version', '{"id":1,"result":2}', { result: 2, fault: 'jsonrpc is "2.0"' }],
    [
      'a result and an error',
      frame('"id":1,"result":1,"error":{"code":1,"message":"x"}'),
      { error: { code: 1, message: 'x' }, fault: 'result and error exclude each other' },
    ],
    ['error: string', frame('"id":1,"error":"bad"'), made('bad')],
    ['error: false', frame('"id":1,"error":false'), made(false)],
    ['error: array', frame('"id":1,"error":[1,"x"]'), made([1, 'x'])],
    ['a result and an error that is none', frame('"id":1,"result":1,"error":"bad"'), made('bad')],
    ['an error without a code', frame('"id":1,"error":{"message":"x"}'), made({ message: 'x' })],
    [
      'an error whose code is text',
      frame('"id":1,"error":{"code":"1","message":"x"}'),
      made({ code: '1', message: 'x' }),
    ],
    [
      'an error whose code is no integer',
      frame('"id":1,"error":{"code":1.5,"message":"x"}'),
      made({ code: 1.5, message: 'x' }),
    ],
    ['an error without a message', frame('"id":1,"error":{"code":1}'), made({ code: 1 })],
    [
      'an error whose message is a number',
      frame('"id":1,"error":{"code":1,"message":2}'),
      made({ code: 1, message: 2 }),
    ],
  ])('%s › then it is one to whoever waits for it', (_what, text, read) => {
    expect(decodeFrame(text)).toEqual({ kind: 'response', id: 1, ...read });
  });
});

describe('decodeFrame › when the text is a message', () => {
  test.each<[what: string, text: string, decoded: object]>([
    ['a request', frame('"id":1,"method":"m","params":{"a":1}'), request(1, 'm', { a: 1 })],
    ['an id: string', frame('"id":"x","method":"m"'), request('x', 'm', undefined)],
    ['an id: empty string', frame('"id":"","method":"m"'), request('', 'm', undefined)],
    ['an id: __proto__', frame('"id":"__proto__","method":"m"'), request('__proto__', 'm', undefined)],
    ['an id: 0', frame('"id":0,"method":"m"'), request(0, 'm', undefined)],
    ['an id: fraction', frame('"id":-1.5,"method":"m"'), request(-1.5, 'm', undefined)],
    ['params: array', frame('"id":1,"method":"m","params":[1]'), request(1, 'm', [1])],
    ['params: null, which counts as none', frame('"id":1,"method":"m","params":null'), request(1, 'm', undefined)],
    ['an empty method', frame('"id":1,"method":""'), request(1, '', undefined)],
    ['a method: constructor', frame('"id":1,"method":"constructor"'), request(1, 'constructor', undefined)],
    ['unknown members', frame('"id":1,"method":"m","extra":true'), request(1, 'm', undefined)],
    ['a method and a result: a request', frame('"id":1,"method":"m","result":2'), request(1, 'm', undefined)],
    ['a notification', frame('"method":"m","params":{}'), { kind: 'notification', method: 'm', params: {} }],
    ['a notification, params: null', frame('"method":"m","params":null'), { kind: 'notification', method: 'm' }],
    ['a result', frame('"id":"sb-1","result":{"a":1}'), { kind: 'response', id: 'sb-1', result: { a: 1 } }],
    ['a result: null', frame('"id":1,"result":null'), { kind: 'response', id: 1, result: null }],
    ['a result, error: null', frame('"id":1,"result":2,"error":null'), { kind: 'response', id: 1, result: 2 }],
    ['both null: a result', frame('"id":1,"result":null,"error":null'), { kind: 'response', id: 1, result: null }],
    [
      'an error, result: null',
      frame('"id":1,"result":null,"error":{"code":-1,"message":"x","data":[1]}'),
      { kind: 'response', id: 1, error: { code: -1, message: 'x', data: [1] } },
    ],
  ])('%s › then it is read as what it is', (_what, text, decoded) => {
    expect(decodeFrame(text)).toEqual(decoded);
  });

  test('duplicate keys › then the last one counts, of every member', () => {
    expect(
      decodeFrame('{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"id":2,"method":"a","method":"b","params":1,"params":{}}'),
    ).toEqual(request(2, 'b', {}));
    expect(decodeFrame(frame('"id":1,"id":null,"method":"m"'))).toMatchObject({ kind: 'bad', id: null });
    expect(decodeFrame(frame('"id":1,"method":"m","params":{"a":1,"a":2}'))).toEqual(request(1, 'm', { a: 2 }));
  });

  test('a key named __proto__ › then it is an own key like any other, and nothing is inherited through it', () => {
    const decoded = decodeFrame(frame('"__proto__":{"id":5},"method":"m","params":{"__proto__":{"evil":1}}'));
    expect(decoded.kind).toBe('notification');
    const { params } = decoded as { params: Record<string, unknown> };
    expect(Object.keys(params)).toEqual(['__proto__']);
    expect(params.evil).toBeUndefined();
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).evil).toBeUndefined();
  });

  test('a hundred thousand levels › then it is read all the same', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(decodeFrame(frame(`"id":1,"method":"m","params":${deep}`)).kind).toBe('request');
    expect(decodeFrame(frame(`"id":${deep},"method":"m"`))).toMatchObject({ kind: 'bad', id: null });
    expect(decodeFrame(deep)).toMatchObject({ kind: 'bad', id: null });
    expect(decodeFrame(`${'['.repeat(100_000)}`)).toMatchObject({ kind: 'bad', id: null });
  });
});

function request(id: string | number, method: string, params: unknown) {
  return { kind: 'request', id, method, params };
}
