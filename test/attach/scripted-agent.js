// An agent that speaks ACP on stdio and does what it is told, wrong things too: a prompt is a JSON list of steps. Written by
// hand, so that it can break the protocol. AGENT holds what it is like; AGENT_LOG names a file for what it hears.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const is = JSON.parse(process.env.AGENT ?? '{}');
const pending = new Map();
const sessions = new Map();
let lastId = 0;

const write = (text) => void process.stdout.write(text);
const send = (message) => write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const update = (sessionId, update) => send({ method: 'session/update', params: { sessionId, update } });
const request = (method, params) =>
  new Promise((resolve, reject) => {
    const id = `a${++lastId}`;
    pending.set(id, { resolve, reject });
    send({ id, method, params });
  });
const note = (words) => process.env.AGENT_LOG && appendFileSync(process.env.AGENT_LOG, `${words}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const refuse = (code, message, data) => Object.assign(new Error(message), { code, data });

process.on('SIGTERM', () => is.isStubborn || process.exit(143));
if (is.greets) write(`${is.greets}\n`);
if (is.dies === 'at start') process.exit(9);

const methods = {
  async initialize() {
    if (is.dies === 'initialize') process.exit(9);
    await sleep(is.startMs ?? 0);
    return {
      protocolVersion: is.version ?? 1,
      agentInfo: { name: 'scripted', title: 'Scripted', version: '1.2.3' },
      authMethods: is.auth ? [{ id: 'login', name: 'Log in' }] : [],
      agentCapabilities: {
        loadSession: is.load !== undefined,
        promptCapabilities: { image: is.image ?? false, embeddedContext: is.embedded ?? false },
        mcpCapabilities: { http: is.http ?? true },
        sessionCapabilities: { ...(is.resume !== undefined && { resume: {} }), ...(is.close && { close: {} }) },
      },
    };
  },
  async authenticate({ methodId }) {
    if (methodId !== 'login') throw refuse(-32602, 'no such method');
    is.auth = undefined;
    return {};
  },
  async 'session/new'({ mcpServers, cwd }) {
    if (is.dies === 'session/new' && sessions.size > 0) process.exit(9);
    if (is.auth) throw refuse(-32000, 'Authentication required');
    const sessionId = `s${process.pid}-${sessions.size + 1}`;
    const session = { mcpServers, cwd };
    sessions.set(sessionId, session);
    if (is.listsOnce && mcpServers.length > 0) session.listed = await namesOfTools(session);
    return { sessionId, ...modes() };
  },
  async 'session/load'({ sessionId, mcpServers, cwd }) {
    update(sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'of old' } });
    if (is.load === 'refuses') throw refuse(-32603, 'no such session');
    sessions.set(sessionId, { mcpServers, cwd, isLoaded: true });
    // As gemini-cli does: after the answer.
    if (is.load === 'late')
      setImmediate(() =>
        update(sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'late' } }),
      );
    return modes();
  },
  async 'session/resume'({ sessionId, mcpServers, cwd }) {
    sessions.set(sessionId, { mcpServers, cwd, isResumed: true });
    return modes();
  },
  async 'session/close'() {
    return {};
  },
  async 'session/set_mode'() {
    return {};
  },
  async 'session/set_config_option'() {
    return { configOptions: [] };
  },
  async 'session/prompt'({ sessionId, prompt }) {
    const session = sessions.get(sessionId);
    session.cancelled = new AbortController();
    const text = prompt.filter(({ type }) => type === 'text').at(-1).text;
    for (const [step, ...args] of JSON.parse(text)) {
      const result = await steps[step](sessionId, session, prompt, ...args);
      if (result !== undefined) return result;
    }
    return { stopReason: 'end_turn' };
  },
};

const modes = () => ({
  ...(is.modes && {
    modes: { currentModeId: is.modes[0], availableModes: is.modes.map((id) => ({ id, name: id })) },
  }),
  ...(is.configOptions && { configOptions: is.configOptions }),
});

const say = (sessionId, text, more) =>
  update(sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text }, ...more });

const steps = {
  say: (id, _session, _prompt, text, more) => say(id, text, more),
  flood: (id, _session, _prompt, count, text) => {
    for (let at = 0; at < count; at++) say(id, text);
  },
  update: (id, _session, _prompt, fields) => update(id, fields),
  /** Writes this, with the session's id for `$ID`. */
  raw: (id, _session, _prompt, text) => void write(text.replaceAll('$ID', id)),
  tell: (id, session, prompt, what) =>
    say(id, JSON.stringify({ prompt, cwd: session.cwd, env: process.env, pid: process.pid, ...session }[what])),
  stop: (_id, _session, _prompt, stopReason, more) => ({ stopReason, ...more }),
  fail: (_id, _session, _prompt, code, message, data) => {
    throw refuse(code, message, data);
  },
  exit: (_id, _session, _prompt, code) => process.exit(code),
  stderr: (_id, _session, _prompt, text) => void process.stderr.write(`${text}\n`),
  /** Asks for permission, and says what came. */
  ask: async (id, _session, _prompt, params) => {
    const { outcome } = await request('session/request_permission', { sessionId: id, ...params });
    note(`outcome ${JSON.stringify(outcome)}`);
    say(id, JSON.stringify(outcome));
  },
  /** The same, with parameters of that many characters. */
  askMuch: (id, session, prompt, params, length) => {
    const rawInput = { text: 'x'.repeat(length) };
    return steps.ask(id, session, prompt, { ...params, toolCall: { ...params.toolCall, rawInput } });
  },
  /** Asks for something else of the client's. */
  request: async (id, _session, _prompt, method, params) => {
    const answer = await request(method, { sessionId: id, ...params }).catch((error) => ({ code: error.code }));
    say(id, JSON.stringify(answer));
  },
  /** Waits until it is cancelled. */
  wait: (_id, { cancelled }, _prompt, then) =>
    new Promise((resolve) => {
      const end = () => setTimeout(() => resolve({ stopReason: 'cancelled' }), then ?? 0);
      if (cancelled.signal.aborted) end();
      else cancelled.signal.addEventListener('abort', end);
    }),
  /** Hears no cancel. */
  hang: () => new Promise(() => {}),
  /** A child that outlives it; says its id. */
  child: (id) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    say(id, String(child.pid));
  },
  /** Calls a tool of the MCP server that the session was given, and says what came. */
  tool: async (id, session, _prompt, name, args, options) => {
    const client = await mcp(session);
    const result = await client
      .callTool({ name, arguments: args }, undefined, options)
      .catch(({ message }) => ({ message }));
    say(id, JSON.stringify(result));
  },
  /** The same with its progress. */
  progress: async (id, session, _prompt, name) => {
    const client = await mcp(session);
    const heard = [];
    const onprogress = ({ progress, message }) => {
      heard.push([progress, message]);
      note(`progress ${progress}`);
    };
    await client.callTool({ name, arguments: {} }, undefined, { onprogress });
    say(id, JSON.stringify(heard));
  },
  tools: async (id, session) => {
    say(id, JSON.stringify(session.listed ?? (await namesOfTools(session))));
  },
};

async function namesOfTools(session) {
  const client = await mcp(session);
  const { tools } = await client.listTools();
  return tools.map((tool) => tool.name);
}

async function mcp(session) {
  if (session.client) return session.client;
  const [server] = session.mcpServers;
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const client = new Client({ name: 'scripted', version: '1' });
  const { ToolListChangedNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
  client.setNotificationHandler(ToolListChangedNotificationSchema, async () => {
    note('tools changed');
    await client.listTools();
  });
  if (server.type === 'http') {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const headers = Object.fromEntries(server.headers.map(({ name, value }) => [name, value]));
    await client.connect(new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } }));
  } else {
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const env = Object.fromEntries(server.env.map(({ name, value }) => [name, value]));
    await client.connect(new StdioClientTransport({ command: server.command, args: server.args, env }));
  }
  session.client = client;
  return client;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === undefined) {
    const asked = pending.get(id);
    pending.delete(id);
    if (error) asked?.reject(error);
    else asked?.resolve(result);
    note(`answer ${JSON.stringify(result ?? error)}`);
    continue;
  }
  note(method === 'session/prompt' ? method : `${method} ${JSON.stringify(params)}`);
  if (method === 'session/cancel') sessions.get(params.sessionId)?.cancelled?.abort();
  else if (id !== undefined) {
    if (method === is.silent) continue;
    const run = methods[method] ?? (() => Promise.reject(refuse(-32601, 'Method not found')));
    run(params).then(
      (result) => send({ id, result }),
      ({ code = -32603, message, data }) => send({ id, error: { code, message, data } }),
    );
  }
}
