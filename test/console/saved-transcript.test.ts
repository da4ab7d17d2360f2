import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../client/browser.ts';
import { draftsOf, type SavedTranscript } from '../../console/chat/saved-transcript.ts';
import { Transcript } from '../../console/chat/transcript.ts';

let seq = 0;
const event = (fields: object) =>
  ({ session_id: 's', turn_id: 't', agent_id: 'a', seq: ++seq, ...fields }) as unknown as ChatEvent;
const token = (delta: string) => event({ kind: 'token', delta });
const asks = (approval_id: string) => event({ kind: 'approval_pending', approval_id, action: `do ${approval_id}` });

/** A transcript that was told something. */
function told(...events: ChatEvent[]): Transcript {
  const transcript = new Transcript();
  transcript.prompt('hello');
  for (const one of events) transcript.event(one);
  transcript.flush();
  return transcript;
}

/** It, as it is after it was kept as JSON. */
function again(transcript: Transcript, limit = 100_000): Transcript {
  const saved: SavedTranscript = JSON.parse(JSON.stringify(transcript.saved(limit)));
  const next = new Transcript();
  next.restore(draftsOf(saved), saved);
  return next;
}

/** What is shown, without the signals that it is made of. */
const shown = (transcript: Transcript) => JSON.parse(JSON.stringify(transcript.saved(1_000_000))).entries;

describe('a conversation that is kept', () => {
  it('is the same afterwards, whatever was said', () => {
    const before = told(
      token('one '),
      token('two'),
      event({ kind: 'tool_call', tool: 'clock', call_id: 'c', params: { zone: 'UTC' } }),
      event({ kind: 'tool_result', tool: 'clock', call_id: 'c', ok: true, excerpt: 'noon' }),
      event({ kind: 'tool_call', tool: 'dice' }),
      asks('x'),
      event({ kind: 'approval_resolved', approval_id: 'x', resolution: 'deny' }),
      asks('y'),
      event({ kind: 'todos', items: [1] }),
    );
    before.end({ tone: 'bad', title: 'error', message: 'it broke', again: true });
    before.flush();
    const after = again(before);
    expect(shown(after)).toEqual(shown(before));
    expect(after.entries.value.map(({ kind }) => kind)).toEqual(before.entries.value.map(({ kind }) => kind));
    expect(after.answer()).toBe('one two');
    expect(after.lastPrompt()).toBe('hello');
    expect(after.truncated.value).toBe(false);
  });

  it('goes on in the middle of a text, and with an approval that waits, which is not shown twice', () => {
    const after = again(told(token('one '), asks('x')));
    expect(after.waiting.value).toBe(1);
    after.event(asks('x'));
    expect(after.waiting.value).toBe(1);
    after.event(event({ kind: 'approval_resolved', approval_id: 'x', resolution: 'approve' }));
    after.event(token('two'));
    after.flush();
    expect(after.waiting.value).toBe(0);
    expect(after.entries.value.map(({ kind }) => kind)).toEqual(['prompt', 'text', 'approval', 'text']);
    const streaming = again(told(token('one ')));
    streaming.event(token('two'));
    streaming.end({ tone: 'good', title: 'stop' }, 'one two');
    streaming.flush();
    expect(streaming.answer()).toBe('one two');
  });

  it('lets a decision that was under way be made again', () => {
    const before = told(asks('x'));
    before.approval('x', { kind: 'deciding', approve: true });
    expect(again(before).entries.value.at(-1)).toMatchObject({ state: { value: { kind: 'pending' } } });
  });

  it('keeps the newest where it is too much, of a text its end, and says so', () => {
    const long = again(told(token('a'.repeat(5_000)), token('the end')), 1_000);
    expect(long.truncated.value).toBe(true);
    expect(long.answer()).toMatch(/^a{900,}the end$/);
    expect(JSON.stringify(long.saved(1_000)).length).toBeLessThan(1_200);
    expect(long.lastPrompt()).toBeUndefined();
    const many = new Transcript();
    for (let n = 0; n < 500; n++) many.prompt(`prompt ${n}`);
    many.flush();
    const kept = again(many, 1_000_000);
    expect(kept.entries.value).toHaveLength(200);
    expect(kept.lastPrompt()).toBe('prompt 499');
    expect(kept.truncated.value).toBe(true);
  });

  it('does not cut a character in two', () => {
    const answer = again(told(token('🦜'.repeat(2_000))), 1_001).answer();
    expect(answer).toMatch(/^(🦜)+$/u);
    expect(again(told(token('🦜'.repeat(2_000))), 1_002).answer()).toMatch(/^(🦜)+$/u);
  });

  it('is refused where it is something else', () => {
    expect(() => draftsOf({ entries: [{ kind: 'surprise' }] } as unknown as SavedTranscript)).toThrow(TypeError);
  });
});
