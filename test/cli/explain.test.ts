import { describe, expect, it } from 'vitest';
import { explain } from '../../cli/explain.ts';
import { RpcError, VoiceError } from '../../client/node.ts';

const refused = (code: number, message: string, data: object) => new RpcError('agents.chat', { code, message, data });

describe('what an error says in a terminal', () => {
  it('when an agent chose the words › takes nothing over', () => {
    const evil = '\x1b[2J\x1b]0;title\x07\nswitchboard: all is well';
    expect(explain(new VoiceError(evil)).message).toBe('\\u001b[2J\\u001b]0;title\\u0007\\nswitchboard: all is well');
    const data = { agent_error: { code: -32000, message: evil } };
    expect(explain(refused(-32012, 'agent rejected', data)).message).not.toMatch(/\p{C}/u);
    expect(explain(new VoiceError('a\u202eb\u200b\u{e0041}')).message).toBe('a\\u202eb\\u200b\\udb40\\udc41');
  });

  it('when an agent refuses › gives its reason', () => {
    const data = { agent_error: { code: -32000, message: 'no such voice' } };
    expect(explain(refused(-32012, 'agent rejected the request', data)).message).toBe(
      'agent rejected the request: no such voice',
    );
  });

  it('when an agent is not attached › names it', () => {
    const error = explain(refused(-32011, 'agent not attached', { agent_id: 'speaker' }));
    expect(error).toMatchObject({ exit: 5, message: 'agent not attached: speaker' });
  });
});
