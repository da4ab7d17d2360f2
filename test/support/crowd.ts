import { AGENTS } from '../../actors/connection/agent-registry.ts';
import type { Link } from '../../broker.ts';
import { linkedPair } from '../../transport/linked-pair.ts';
import type { Internals } from './internals.ts';
import { settle } from './linked.ts';

/**
 * How a turn of the crowd ends. `tool`: by itself, once its tool has answered. `approval`: once it was approved.
 * `left`: by a cancel, while a tool, a tool at the gate and an approval are pending.
 */
export type Way = 'done' | 'error' | 'cancel' | 'replaced' | 'refused' | 'silent' | 'tool' | 'approval' | 'left';

/** The tools of the crowd's host; whether a gate stands before the second is the broker's affair. */
export const CROWD_TOOLS = ['clock', 'gated'];

/**
 * A host and an agent that go through turns in great numbers and keep nothing of them. Both write by hand and read no
 * more than they must.
 */
class Crowd {
  readonly #host: Link;
  readonly #agent: Link;
  /** Terminals that the host received. */
  terminals = 0;
  /** Errors that the host received. */
  errors = 0;
  /** Answers that the agent received to its tool calls. */
  toolAnswers = 0;
  /** Tool calls that the agent has made. */
  toolCalls = 0;
  #turns = 0;
  readonly #ways = new Map<string, Way>();
  /** Sessions that are in their second turn. */
  readonly #replaced = new Set<string>();

  constructor(host: Link, agent: Link, tokens: { host: string; agent: string }) {
    this.#host = host;
    this.#agent = agent;
    const ignore = { binary: () => {}, closed: () => {} };
    host.open({
      ...ignore,
      text: (text) => {
        if (text.includes('"kind":"done"') || text.includes('"kind":"error"')) this.terminals += 1;
        else if (text.includes('"error":{')) this.errors += 1;
        else if (text.includes('"method":"tools.execute"')) this.#useTool(JSON.parse(text));
      },
    });
    agent.open({
      ...ignore,
      text: (text) => {
        const frame = JSON.parse(text);
        if (frame.method === 'agent.chat') this.#answer(frame.id, frame.params.session_id);
        else if (frame.method === 'agent.chat.approve') this.#beApproved(frame.id, frame.params.session_id);
        else if (frame.method === undefined && frame.id !== 0) this.#hearTool(frame.id);
      },
    });
    write(host, { id: 0, method: 'session.auth', params: { token: tokens.host } });
    write(host, { id: 0, method: 'tools.register', params: CROWD_TOOLS.map((name) => ({ name })) });
    write(agent, { id: 0, method: 'session.auth', params: { agent_id: 'echo', token: tokens.agent } });
  }

  /** Opens that many turns, each with a session and a request id of its own, and lets them end in these ways. */
  async run(count: number, ways: Way[]): Promise<void> {
    const sessions: string[] = [];
    for (let n = 0; n < count; n += 1) {
      this.#turns += 1;
      const session_id = `session-${this.#turns}`;
      this.#ways.set(session_id, ways[n % ways.length] ?? 'done');
      sessions.push(session_id);
      write(this.#host, {
        id: session_id,
        method: 'agents.chat',
        params: { agent_id: 'echo', prompt: 'hi', session_id },
      });
    }
    await settle();
    for (const session_id of sessions) this.#end(session_id);
    await settle();
    await settle();
    this.#ways.clear();
    this.#replaced.clear();
  }

  #answer(id: string, session_id: string): void {
    const way = this.#replaced.has(session_id) ? 'done' : this.#ways.get(session_id);
    if (way === 'silent') return;
    write(this.#agent, { id, result: { accepted: way !== 'refused' } });
    this.#emit(session_id, { kind: 'token', delta: 'hello' });
    if (way === 'done') this.#emit(session_id, { kind: 'done', finish_reason: 'stop' });
    if (way === 'error') this.#emit(session_id, { kind: 'error', error: 'oh' });
    if (way === 'tool' || way === 'left') this.#callTool(session_id, 'clock');
    if (way === 'left') this.#callTool(session_id, 'gated');
    if (way === 'approval' || way === 'left') {
      this.#emit(session_id, { kind: 'approval_pending', approval_id: 'a', tool: 'rm', params: { path: '/' } });
    }
  }

  #callTool(session_id: string, tool: string): void {
    this.toolCalls += 1;
    const params = { session_id, tool, parameters: { n: this.toolCalls } };
    write(this.#agent, { id: `${tool}:${session_id}`, method: 'tools.execute', params });
  }

  #useTool({ id, params }: { id: string; params: { session_id: string } }): void {
    if (this.#ways.get(params.session_id) !== 'left') write(this.#host, { id, result: null });
  }

  #hearTool(id: string): void {
    this.toolAnswers += 1;
    const [, session_id = ''] = id.split(':');
    if (this.#ways.get(session_id) === 'tool') this.#emit(session_id, { kind: 'done', finish_reason: 'stop' });
  }

  #beApproved(id: string, session_id: string): void {
    write(this.#agent, { id, result: { resolved: true } });
    this.#emit(session_id, { kind: 'done', finish_reason: 'stop' });
  }

  #end(session_id: string): void {
    const way = this.#ways.get(session_id);
    if (way === 'approval') {
      const params = { session_id, approval_id: 'a', decision: true };
      write(this.#host, { id: `${session_id}:approve`, method: 'agents.chat.approve', params });
    }
    if (way === 'cancel' || way === 'left') {
      write(this.#host, { id: `${session_id}:cancel`, method: 'agents.chat.cancel', params: { session_id } });
    }
    if (way !== 'replaced') return;
    this.#replaced.add(session_id);
    const params = { agent_id: 'echo', prompt: 'hi', session_id, on_busy: 'replace' };
    write(this.#host, { id: `${session_id}:again`, method: 'agents.chat', params });
  }

  #emit(session_id: string, event: object): void {
    write(this.#agent, { method: 'agent.chat.event', params: { session_id, ...event } });
  }
}

const write = (link: Link, frame: object): void => link.send(JSON.stringify({ jsonrpc: '2.0', ...frame }));

/** A crowd whose agent is `echo`. */
export async function crowdOf(internals: Internals): Promise<Crowd> {
  const { token = '' } = internals.state.get(AGENTS).upsert({ id: 'echo' });
  const [host, farHost] = linkedPair();
  const [agent, farAgent] = linkedPair();
  internals.open(farHost);
  internals.open(farAgent);
  const crowd = new Crowd(host, agent, { host: internals.tokens.daemon, agent: token });
  await settle();
  if (!internals.state.attached.has('echo')) throw new Error('the agent of the crowd is not attached');
  return crowd;
}
