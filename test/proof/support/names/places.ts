import { TARGETS } from '../neighbours/abuse-targets.ts';
import { INNOCENT } from '../neighbours/innocents.ts';
import type { NamingCrowd, Role } from './crowd.ts';

/** Somewhere a client may put a name that it has chosen. */
export interface Place {
  readonly words: string;
  say(crowd: NamingCrowd, name: string, i: number): void;
}

const HOST = ['host'] as const;
const AGENT = ['agent'] as const;
const ANYBODY = ['host', 'agent'] as const;

/** Whose the method is; of many it is anybody's, and then the host says it. */
function saidBy(method: string): readonly Role[] {
  if (/^(keys|agents\.(upsert|remove))/.test(method)) return ['manager'];
  if (/^(agent\.|agents\.chat$|goal|tools\.execute|voice\.event|memory|host\.)/.test(method)) return ANYBODY;
  return HOST;
}

/** Every string, key and open value in the parameters of everything that a client may send. */
const inParams = TARGETS.filter(({ kind, method }) => kind !== 'array' && method !== 'session.auth').flatMap((target) =>
  saidBy(target.method).map((role): Place => {
    const { method, path, kind, isRequest, wrap } = target;
    return {
      words: `${method} ${path} of ${role}`,
      say: (crowd, name, i) => {
        const id = isRequest ? `"id":"${i}",` : '';
        const params = wrap(kind === 'any' ? `{"${name}":"${name}"}` : `"${name}"`);
        crowd.write(role, `{"jsonrpc":"2.0",${id}"method":"${method}","params":${params}}`);
      },
    };
  }),
);

/** What no shape has, and what one name alone would not reach. */
const others = (
  [
    ['a method', ANYBODY, (name, i) => ({ id: i, method: name, params: {} })],
    ['a notification', ANYBODY, (name) => ({ method: name, params: {} })],
    ['the id of a request', ANYBODY, (name) => ({ id: name, method: 'agents.list', params: {} })],
    ['the id of an answer', ANYBODY, (name) => ({ id: name, result: {} })],
    ['the id of an error', ANYBODY, (name) => ({ id: name, error: { code: -1, message: name } })],
    ['a trace', HOST, (name, i) => ({ id: i, method: 'agents.list', params: { _meta: trace(name) } })],
    ['a member of a frame', HOST, (name, i) => ({ id: i, method: 'agents.list', params: {}, [name]: 1 })],
    ['a member of parameters', HOST, (name, i) => ({ id: i, method: 'agents.list', params: { [name]: 1 } })],
    ['an approval', ANYBODY, (name, i) => ({ id: i, method: 'host.request_approval', params: approval(name) })],
    ['a session', ANYBODY, (name, i) => ({ id: i, method: 'agents.chat', params: chat(name) })],
    ['a kind of event', AGENT, (name) => event({ kind: name })],
    ['a field of an event', AGENT, (name) => event({ kind: 'note', [name]: name })],
    ['a tool of an event', AGENT, (name) => event({ kind: 'tool_call', tool: name, call_id: name })],
    ['a question of an agent', AGENT, (name) => event({ kind: 'approval_pending', approval_id: name, action: name })],
    ['a turn of an event', AGENT, (name) => event({ kind: 'note', turn_id: name })],
    ['the id of a tool call', AGENT, (name) => ({ id: name, method: 'tools.execute', params: call(name) })],
  ] satisfies [string, readonly Role[], (name: string, i: number) => object][]
).flatMap(([words, roles, make]) =>
  roles.map(
    (role): Place => ({
      words: `${words} of ${role}`,
      say: (crowd, name, i) => crowd.write(role, make(name, i)),
    }),
  ),
);

const trace = (name: string) => ({ traceparent: name, tracestate: name, baggage: name, [name]: name });
const approval = (name: string) => ({ action: name, details: { [name]: name } });
const event = (more: object) => ({ method: 'agent.chat.event', params: { session_id: 'x', ...more } });
const call = (name: string) => ({ session_id: 'x', tool: 'x', parameters: { [name]: name } });
const chat = (name: string) => ({
  agent_id: INNOCENT,
  prompt: name,
  session_id: name,
  conversation_id: name,
  model: name,
  resume_window_ms: 1_000,
  resume_token: `${name}-${'a'.repeat(43)}`,
});

export const PLACES: readonly Place[] = [...inParams, ...others];
