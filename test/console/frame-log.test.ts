import { describe, expect, it } from 'vitest';
import { FrameLog } from '../../console/chat/frame-log.ts';

function log() {
  const frames = new FrameLog('mine');
  const offer = (direction: 'in' | 'out', message: object) =>
    frames.offer({ direction, text: JSON.stringify(message), message }, 0);
  const shown = () => frames.frames.map(({ direction, text }) => [direction, JSON.parse(text)]);
  return { frames, offer, shown };
}

const chat = { id: 1, method: 'agents.chat', params: { session_id: 'mine', prompt: 'hi' } };
const token = (session_id: string) => ({
  method: 'agents.chat.event',
  params: { session_id, kind: 'token', delta: 'x' },
});

describe('the raw frames of a conversation', () => {
  it('are those of its session, and the answers to its requests, an error too', () => {
    const { offer, shown } = log();
    const refusal = { id: 1, error: { code: -32011, message: 'agent not attached' } };
    offer('out', { id: 7, method: 'broker.status', params: {} });
    offer('out', chat);
    offer('in', { id: 7, result: {} });
    offer('in', refusal);
    offer('in', token('mine'));
    offer('in', token('theirs'));
    expect(shown()).toEqual([
      ['out', chat],
      ['in', refusal],
      ['in', token('mine')],
    ]);
  });

  it('do not mix up the ids of the two sides', () => {
    const { offer, shown } = log();
    offer('out', chat);
    // The broker numbers its own requests: this is an answer of ours to one of them.
    offer('out', { id: 1, result: 'to another' });
    expect(shown()).toEqual([['out', chat]]);
  });

  it('hold a whole tool call: the request, its progress, its answer', () => {
    const { offer, shown } = log();
    const call = { id: 'cb-1', method: 'tools.execute', params: { session_id: 'mine', request_id: 'cb-1', tool: 'x' } };
    const progress = { method: 'tools.progress', params: { request_id: 'cb-1' } };
    const answer = { id: 'cb-1', result: 42 };
    offer('in', call);
    offer('out', progress);
    offer('out', { method: 'tools.progress', params: { request_id: 'cb-2' } });
    offer('out', answer);
    expect(shown()).toEqual([
      ['in', call],
      ['out', progress],
      ['out', answer],
    ]);
  });

  it('show no resume token', () => {
    const { frames, offer } = log();
    offer('out', chat);
    offer('in', { id: 1, result: { accepted: true, session_id: 'mine', resume_token: 'a-secret' } });
    offer('out', { id: 2, method: 'agents.chat.subscribe', params: { session_id: 'mine', resume_token: 'a-secret' } });
    expect(frames.frames).toHaveLength(3);
    expect(frames.toString()).not.toContain('a-secret');
  });

  it('are bounded, in number and in length', () => {
    const { frames, offer } = log();
    for (let n = 0; n < 800; n++) offer('in', { method: 'agents.chat.event', params: { session_id: 'mine', n } });
    expect(frames.frames).toHaveLength(500);
    expect(frames.frames.at(-1)?.text).toContain('"n":799');
    offer('in', { method: 'agents.chat.event', params: { session_id: 'mine', delta: 'y'.repeat(1_000_000) } });
    expect(frames.frames.at(-1)?.text.length).toBeLessThan(17_000);
    expect(frames.frames.at(-1)?.text).toMatch(/… \d+ more characters$/);
    for (let n = 0; n < 200; n++) offer('in', { method: 'x', params: { session_id: 'mine', z: 'z'.repeat(10_000) } });
    expect(frames.toString().length).toBeLessThan(600_000);
  });

  it('are copied one a line, with their direction', () => {
    const { frames, offer } = log();
    offer('out', chat);
    offer('in', token('mine'));
    expect(frames.toString()).toBe(`> ${JSON.stringify(chat)}\n< ${JSON.stringify(token('mine'))}`);
  });

  it('do not take the answer to another one’s request for one of theirs, once the connection is lost', () => {
    const { frames, offer, shown } = log();
    offer('out', chat);
    frames.forgetRequests();
    // On the next connection the ids begin anew.
    offer('in', { id: 1, result: 'to another' });
    expect(shown()).toEqual([['out', chat]]);
  });

  it('end with the answer to a tool call: what comes by its id then is not of it', () => {
    const { offer, shown } = log();
    offer('in', { id: 'cb-1', method: 'tools.execute', params: { session_id: 'mine', request_id: 'cb-1', tool: 'x' } });
    offer('out', { id: 'cb-1', result: 42 });
    offer('out', { method: 'tools.progress', params: { request_id: 'cb-1' } });
    expect(shown()).toHaveLength(2);
  });
});
