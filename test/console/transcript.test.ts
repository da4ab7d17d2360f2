import { effect } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../client/browser.ts';
import { type Entry, type EntryOf, Transcript } from '../../console/chat/transcript.ts';
import type { TurnEnd } from '../../console/chat/turn-end.ts';

const STOP: TurnEnd = { tone: 'good', title: 'stop' };
let seq = 0;
const event = (fields: object) =>
  ({ session_id: 's', turn_id: 't', agent_id: 'a', seq: ++seq, ...fields }) as unknown as ChatEvent;
const token = (delta: string) => event({ kind: 'token', delta });

function told(...events: ChatEvent[]): Transcript {
  const transcript = new Transcript();
  transcript.prompt('hello');
  for (const one of events) transcript.event(one);
  transcript.flush();
  return transcript;
}

const kinds = ({ entries }: Transcript) => entries.value.map(({ kind }) => kind);
function the<K extends Entry['kind']>(transcript: Transcript, kind: K): EntryOf<K> {
  const found = transcript.entries.value.find((entry): entry is EntryOf<K> => entry.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
}

describe('a conversation on the page', () => {
  it('joins tokens, and begins a new text after a tool', () => {
    const transcript = told(
      token('a'),
      token('b'),
      event({ kind: 'tool_call', tool: 'clock' }),
      event({ kind: 'tool_result', tool: 'clock', ok: true, excerpt: 'noon' }),
      token('c'),
    );
    expect(kinds(transcript)).toEqual(['prompt', 'text', 'tool', 'text']);
    expect(transcript.answer()).toBe('ab\nc');
  });

  it('draws a thousand tokens of one frame once', () => {
    const transcript = told(token('first '));
    let drawn = 0;
    effect(() => {
      void transcript.entries.value;
      void the(transcript, 'text').block.tail.value;
      drawn++;
    });
    for (let n = 0; n < 1_000; n++) transcript.event(token('x'));
    expect(drawn).toBe(1);
    transcript.flush();
    expect(drawn).toBe(2);
    expect(transcript.answer()).toBe(`first ${'x'.repeat(1_000)}`);
  });

  it('gives each result to its own call', () => {
    const transcript = told(
      event({ kind: 'tool_call', call_id: '1', tool: 'read', params: { path: 'a' } }),
      event({ kind: 'tool_call', call_id: '2', tool: 'read', params: { path: 'b' } }),
      event({ kind: 'tool_result', call_id: '1', tool: 'read', ok: false, excerpt: 'no such file' }),
    );
    const [first, second] = transcript.entries.value.filter((entry) => entry.kind === 'tool');
    expect(first?.outcome.value).toEqual({ ok: false, excerpt: 'no such file' });
    expect(second?.outcome.value).toBeUndefined();
    expect(first?.params).toBe('{\n  "path": "a"\n}');
  });

  it('when a result comes without its call › shows it all the same', () => {
    const transcript = told(event({ kind: 'tool_result', tool: 'read', ok: true, evidence: { lines: 3 } }));
    expect(the(transcript, 'tool').outcome.value).toEqual({ ok: true, excerpt: '{\n  "lines": 3\n}' });
  });

  describe('when an approval is pending', () => {
    const asks = event({ kind: 'approval_pending', approval_id: 'p', action: 'delete it', details: { path: '/tmp' } });

    it('tells all that it is about, and writes out what cannot be seen', () => {
      const about = { tool: 'shell', action: 'run \u202eit', params: { run: 'ls\u200b' }, details: { why: 'to see' } };
      const entry = the(told(event({ kind: 'approval_pending', approval_id: 'p', ...about })), 'approval');
      expect(entry.what).toBe('run \\u202eit');
      expect(entry.details).toContain('ls\\u200b');
      expect(JSON.parse(entry.details)).toEqual({
        tool: 'shell',
        params: { run: 'ls\u200b' },
        details: { why: 'to see' },
      });
    });

    it('and is told of twice › waits once, and no longer than for one answer', () => {
      const transcript = told(asks, asks);
      expect(transcript.waiting.value).toBe(1);
      transcript.event(event({ kind: 'approval_resolved', approval_id: 'p', resolution: 'approve' }));
      expect(transcript.waiting.value).toBe(0);
    });

    it('shows what is asked for, and what was decided elsewhere', () => {
      const transcript = told(asks);
      const entry = the(transcript, 'approval');
      expect(entry).toMatchObject({ what: 'delete it', details: '{\n  "path": "/tmp"\n}' });
      transcript.event(event({ kind: 'approval_resolved', approval_id: 'p', resolution: 'timeout' }));
      expect(entry.state.value).toEqual({ kind: 'resolved', resolution: 'timeout' });
    });

    it('does not open it again for an answer that came too late', () => {
      const transcript = told(asks, event({ kind: 'approval_resolved', approval_id: 'p', resolution: 'deny' }));
      transcript.approval('p', { kind: 'pending', problem: 'not pending' });
      expect(the(transcript, 'approval').state.value).toEqual({ kind: 'resolved', resolution: 'deny' });
    });

    it('and the turn ends › it cannot be answered any more', () => {
      const transcript = told(asks);
      transcript.end(STOP);
      expect(the(transcript, 'approval').state.value).toEqual({ kind: 'withdrawn' });
    });
  });

  it('takes the text of the end where nothing was streamed, and only there', () => {
    const silent = told();
    silent.end(STOP, 'all of it');
    silent.flush();
    expect(silent.answer()).toBe('all of it');
    const streamed = told(token('all'), token(' of it'));
    streamed.end(STOP, 'all of it');
    streamed.flush();
    expect(streamed.answer()).toBe('all of it');
    expect(kinds(streamed)).toEqual(['prompt', 'text', 'end']);
  });

  it('shows kinds that it does not know, a run of them as one', () => {
    const transcript = told(event({ kind: 'todos', items: [1] }), event({ kind: 'todos', items: [1, 2] }));
    const { label, latest } = the(transcript, 'note');
    expect(label).toBe('todos');
    expect(latest.value).toEqual({ count: 2, detail: JSON.stringify({ items: [1, 2] }, null, 2) });
  });

  it('keeps a bounded text, its end', () => {
    const transcript = told();
    for (let n = 0; n < 300; n++) {
      transcript.event(token(`${String(n).padStart(10, '0').repeat(1_000)}\n`));
      transcript.flush();
    }
    const answer = transcript.answer();
    expect(transcript.truncated.value).toBe(true);
    expect(answer.length).toBeLessThanOrEqual(1_048_576);
    expect(answer.length).toBeGreaterThan(900_000);
    expect(answer.endsWith(`${'0000000299'.repeat(1_000)}\n`)).toBe(true);
  });

  it('keeps a bounded number of pieces, the newest', () => {
    const transcript = told();
    for (let n = 0; n < 1_500; n++) transcript.event(event({ kind: 'tool_call', tool: `tool-${n}` }));
    transcript.flush();
    const { value: entries } = transcript.entries;
    expect(entries).toHaveLength(1_000);
    expect(entries.at(-1)).toMatchObject({ tool: 'tool-1499' });
    expect(transcript.truncated.value).toBe(true);
  });
});

describe('what the gate holds back, on the page', () => {
  const pending = event({
    kind: 'gate_pending',
    approval_id: 'g',
    action: 'ws.method:tools.execute',
    details: { method: 'tools.execute', tool: 'mail\u200b', params_preview: '{"to":"ada"}' },
    expires_at: '2026-01-01T00:00:00.000Z',
    seq: undefined,
    synthesized: true,
  });
  const resolved = (resolution: string) =>
    event({ kind: 'gate_resolved', approval_id: 'g', resolution, synthesized: true });

  it('is asked for like an approval, once, with the tool and what it would be given', () => {
    const transcript = told(pending, pending);
    expect(kinds(transcript)).toEqual(['prompt', 'approval']);
    const entry = the(transcript, 'approval');
    expect(entry.what).toBe('tools.execute: mail\\u200b');
    expect(entry.details).toContain('"to": "ada"');
    expect(entry.deadline).toBe('2026-01-01T00:00:00.000Z');
    expect(transcript.waiting.value).toBe(1);
  });

  it.each(['approve', 'deny', 'timeout', 'withdrawn'])('when it is settled by %s › waits no more', (resolution) => {
    const transcript = told(pending, resolved(resolution));
    expect(the(transcript, 'approval').state.value).toEqual({ kind: 'resolved', resolution });
    expect(transcript.waiting.value).toBe(0);
  });
});
