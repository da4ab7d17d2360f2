import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explain } from '../../cli/explain.ts';
import { ConnectionError, NoDaemonError, RpcError, VoiceError } from '../../client/node.ts';
import { ROOT } from '../../docs/render.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

const refused = (code: number, message: string, data: object) => new RpcError('agents.chat', { code, message, data });

describe('what an error says in a terminal', () => {
  it('when an agent chose the words › takes nothing over', () => {
    const evil = '\x1b[2J\x1b]0;title\x07\nswitchboard: all is well';
    expect(explain(new VoiceError(evil), {}).message).toBe(
      '\\u001b[2J\\u001b]0;title\\u0007\\nswitchboard: all is well',
    );
    const data = { agent_error: { code: -32000, message: evil } };
    expect(explain(refused(-32012, 'agent rejected', data), {}).message).not.toMatch(/\p{C}/u);
    expect(explain(new VoiceError('a\u202eb\u200b\u{e0041}'), {}).message).toBe('a\\u202eb\\u200b\\udb40\\udc41');
  });

  it('when an agent refuses › gives its reason', () => {
    const data = { agent_error: { code: -32000, message: 'no such voice' } };
    expect(explain(refused(-32012, 'agent rejected the request', data), {}).message).toBe(
      'agent rejected the request: no such voice',
    );
  });

  it('when the daemon has no keys of the issuer › says that it is no wrong token, and where to look', () => {
    const data = { limit: { name: 'issuer_keys', value: 0 }, retry_after_ms: 30_000 };
    const { message } = explain(refused(-32020, 'limit exceeded: issuer_keys is 0', data), {});
    expect(message).toMatch(
      /^limit exceeded: issuer_keys is 0: the daemon cannot get the keys of the issuer of JWTs now; /,
    );
    const other = { limit: { name: 'key.chats', value: 1 } };
    expect(explain(refused(-32020, 'limit exceeded: key.chats is 1', other), {}).message).not.toContain('issuer');
  });

  it('when an agent is not attached › names it', () => {
    const error = explain(refused(-32011, 'agent not attached', { agent_id: 'speaker' }), {});
    expect(error).toMatchObject({ exit: 5, message: 'agent not attached: speaker' });
  });

  it.each([
    [new NoDaemonError('/a: b', 'absent'), 3, /^no daemon is running for \/a: b; start one/],
    [new NoDaemonError('/a: b', 'damaged'), 3, /for \/a: b \(its run\/broker.json is damaged\); start one/],
    [new NoDaemonError('/a: b', 'dead', 7), 3, /for \/a: b \(the last one, process 7, has died\); start one/],
    [new ConnectionError('no', { status: 403, reason: 'certificate_needed' }), 3, /^no; --cert FILE and --key FILE/],
    [new ConnectionError('no', { status: 403 }), 3, /^no; its log says which/],
  ])('goes by what the error knows, and not by its words › %s', (error, exit, words) => {
    error.message = 'no';
    const said = explain(error, {});
    expect(said.exit).toBe(exit);
    expect(said.message).toMatch(words);
  });

  it('when no daemon runs › calls this program as the PATH that it is given does', () => {
    const folder = temporaryDirectory();
    symlinkSync(join(ROOT, 'dist/cli/main.js'), join(folder, 'switchboard'));
    const error = new NoDaemonError('/nowhere', 'absent');
    expect(explain(error, { PATH: folder }).message).toContain('`switchboard serve`');
    expect(explain(error, {}).message).toContain('`npx switchboard serve`');
  });
});
