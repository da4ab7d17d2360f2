import { beforeEach, describe, expect, it } from 'vitest';
import { RealDaemon } from './real-daemon.ts';

let daemon: RealDaemon;
beforeEach(async () => {
  daemon = await RealDaemon.start();
});

describe('switchboard keys', () => {
  it('add prints the key alone on stdout, and it works', async () => {
    const io = daemon.io();
    const flags = ['--scope', 'chat', '--scope', 'observe', '--agent', 'echo', '--front', 'ws', '--expires', '30d'];
    expect(await io.run('keys', 'add', ...flags, 'alice')).toBe(0);
    expect(io.out).toMatch(/^sbk_[\w-]{43}\n$/);
    expect(io.err).toMatch(/^the key alice, until \d{4}-\S+Z, shown this once:\n$/);
    expect(daemon.real.broker.keys.list()).toMatchObject([
      { name: 'alice', sub: 'alice', scopes: ['chat', 'observe'], agents: ['echo'], fronts: ['ws'] },
    ]);
    const chat = daemon.io();
    expect(await chat.run('chat', '--token', io.out.trim(), 'echo', 'hello')).toBe(0);
    expect(chat.out).toContain('hello');
  });

  it.each([[['keys']], [['keys', 'list']]])('%j shows a table', async (argv) => {
    const { keys } = daemon.real.broker;
    await keys.add({ name: 'alice', sub: 'Ada\u202e', agents: ['a', 'b'], limits: { chats: 5, turns: 10 } });
    await keys.add({ name: 'boss', tenant: 'acme', scopes: ['host'] });
    const io = daemon.io();
    expect(await io.run(...argv)).toBe(0);
    expect(io.out).toBe(
      [
        'NAME   FOR        TENANT   SCOPES  AGENTS  FRONTS  LIMITS            LAST USED  EXPIRES  CONNECTIONS',
        'alice  Ada\\u202e  default  chat    a,b     all     chats=5,turns=10  never      never    0',
        'boss   boss       acme     host    all     all     none              never      never    0',
        '',
      ].join('\n'),
    );
  });

  it('add limits what all may do together that come by it', async () => {
    const io = daemon.io();
    expect(await io.run('keys', 'add', 'app', '--limit', 'turns=3', '--limit', 'chats=1')).toBe(0);
    const token = io.out.trim();
    const [chats, more] = [daemon.io(), daemon.io()];
    expect(await chats.run('chat', '--token', token, 'echo', 'hello')).toBe(0);
    expect(await more.run('chat', '--token', token, 'echo', 'hello')).toBe(1);
    expect(more.err).toContain('key.chats is 1');
    const listed = daemon.io();
    expect(await listed.run('keys', 'list', '--json')).toBe(0);
    expect(JSON.parse(listed.out)).toMatchObject([
      { limits: { turns: 3, chats: 1 }, last_used_at: expect.any(String) },
    ]);
  });

  it('list says how to make one where there is none', async () => {
    const io = daemon.io();
    expect(await io.run('keys')).toBe(0);
    expect(io.out).toBe('');
    expect(io.err).toContain('keys add NAME');
    expect(await io.run('keys', '--json')).toBe(0);
    expect(JSON.parse(io.out)).toEqual([]);
  });

  it('list --like tells of those alone that are looked for, and says where there are none', async () => {
    for (const name of ['alice', 'bob']) await daemon.real.broker.keys.add({ name });
    const io = daemon.io();
    expect(await io.run('keys', 'list', '--like', 'ALI', '--json')).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject([{ name: 'alice' }]);
    const none = daemon.io();
    expect(await none.run('keys', '--like', 'carol')).toBe(0);
    expect(none.err).toContain('no key is like carol');
  });

  it('rotate prints the new key, and until when the old one works', async () => {
    await daemon.real.broker.keys.add({ name: 'alice' });
    const io = daemon.io();
    expect(await io.run('keys', 'rotate', 'alice', '--keep', '1h')).toBe(0);
    expect(io.out).toMatch(/^sbk_[\w-]{43}\n$/);
    expect(io.err).toMatch(/the one before it works until \d{4}-\S+Z/);
    const none = daemon.io();
    expect(await none.run('keys', 'rotate', 'nobody')).toBe(1);
    expect(none.err).toContain('no such key');
  });

  it('remove ends one, and says where there is none', async () => {
    await daemon.real.broker.keys.add({ name: 'alice', tenant: 'acme' });
    const io = daemon.io();
    expect(await io.run('keys', 'remove', 'alice')).toBe(1);
    expect(io.err).toContain('there is no key alice');
    expect(await io.run('keys', 'remove', 'alice', '--tenant', 'acme')).toBe(0);
    expect(io.err).toContain('key alice removed');
  });

  it('takes a key with the scope host in place of the host token, for its own tenant', async () => {
    const { token } = await daemon.real.broker.keys.add({ name: 'boss', tenant: 'acme', scopes: ['host'] });
    const io = daemon.io();
    expect(await io.run('keys', 'list', '--json', '--host-token', token)).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject([{ name: 'boss', connections: 1 }]);
    expect(await io.run('keys', 'add', 'x', '--host-token', token, '--tenant', 'default')).toBe(1);
  });

  it.each([
    [['add'], /missing required argument/],
    [['add', 'a', '--scope', 'root'], /takes chat, observe, host/i],
    [['add', 'a', '--front', 'door'], /takes ws, openai/i],
    [['add', 'a', '--expires', '5'], /90s, 15m, 12h, 30d or 2w/],
    [['add', 'a', '--expires', '11000d'], /ten years at most/],
    [
      ['add', 'a', '--limit', 'chats'],
      /takes NAME=N, of chats, turns, deltas, bytes, connections, tools, and a whole/i,
    ],
    [['add', 'a', '--limit', 'chat=5'], /takes NAME=N/i],
    [['add', 'a', '--limit', 'identity.chats=5'], /takes NAME=N/i],
    [['add', 'a', '--limit', 'chats=0'], /takes NAME=N/i],
    [['add', 'a', '--limit', 'chats=-1'], /takes NAME=N/i],
    [['add', 'a', '--limit', 'chats=1.5'], /takes NAME=N/i],
    [['rotate', 'a', '--keep', '-1s'], /90s, 15m/],
    [['nope'], /unknown command/],
  ])('%j › is told what is wrong with it', async (argv, message) => {
    const io = daemon.io();
    expect(await io.run('keys', ...argv)).toBe(2);
    expect(io.err).toMatch(message);
  });

  it.each([
    [['add', 'a b'], /1–64 of/],
    [['add', 'local'], /is not local/],
    [['add', 'a', '--agent', 'x', '--scope', 'host'], /goes with no scope host/],
  ])('%j › is told by the daemon what is wrong with it', async (argv, message) => {
    const io = daemon.io();
    expect(await io.run('keys', ...argv)).toBe(1);
    expect(io.err).toMatch(message);
  });
});
