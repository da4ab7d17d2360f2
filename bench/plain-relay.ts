import type { Socket } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { announce } from './targets/announce.ts';

/**
 * The relay that people would write instead: `ws`, `JSON.parse`, a Map from session to host, an owner check,
 * `JSON.stringify`, `send`. Just enough of the wire for the load generator: no validation, no limits, no lifecycle. With
 * `--corked` it also gathers what is due to one socket in one tick into one write, and is otherwise the same.
 *
 * Run as `node plain-relay.js HOME [--corked]`; HOME/run/broker.json then says where it listens, as the daemon's does.
 */
interface Session {
  host: WebSocket;
  agent: WebSocket;
}

interface Message {
  id?: number | string;
  method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the plain relay checks nothing, which is its point
  params?: any;
}

const [home = '', flag] = process.argv.slice(2);
const send = flag === '--corked' ? sendCorked : sendPlainly;
const agents = new Map<string, WebSocket>();
const agentIds = new Map<WebSocket, string>();
const sessions = new Map<string, Session>();
/** `agent.chat` requests that wait for the agent's ack, by the relay's own id. */
const waiting = new Map<number | string, { host: WebSocket; id: unknown; sessionId: string }>();
const sockets = new Map<WebSocket, Socket>();
const corked = new Set<Socket>();
let lastId = 0;

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('listening', () => announce(home, server.address()));
server.on('connection', (ws, request) => {
  sockets.set(ws, request.socket);
  ws.on('message', (data: RawData) => receive(ws, JSON.parse(data.toString())));
  ws.on('close', () => {
    sockets.delete(ws);
    agents.delete(agentIds.get(ws) ?? '');
    agentIds.delete(ws);
  });
});

function receive(ws: WebSocket, { id, method, params }: Message): void {
  switch (method) {
    case 'agent.chat.event':
      relay(ws, params);
      break;
    case 'agents.chat':
      openTurn(ws, id, params);
      break;
    case 'session.auth':
      if (params.agent_id) {
        agents.set(params.agent_id, ws);
        agentIds.set(ws, params.agent_id);
      }
      send(ws, JSON.stringify({ jsonrpc: '2.0', id, result: { ok: true, auth_enabled: false } }));
      break;
    case undefined:
      acknowledge(id ?? '');
  }
}

function relay(ws: WebSocket, params: { session_id: string; kind: string; agent_id?: string | undefined }): void {
  const session = sessions.get(params.session_id);
  if (!session || session.agent !== ws) return;
  params.agent_id = agentIds.get(ws);
  send(session.host, JSON.stringify({ jsonrpc: '2.0', method: 'agents.chat.event', params }));
  if (params.kind === 'done' || params.kind === 'error') sessions.delete(params.session_id);
}

function openTurn(host: WebSocket, id: unknown, params: { agent_id: string; session_id: string }): void {
  const agent = agents.get(params.agent_id);
  if (!agent) {
    send(host, JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32011, message: 'agent not attached' } }));
    return;
  }
  lastId += 1;
  sessions.set(params.session_id, { host, agent });
  waiting.set(lastId, { host, id, sessionId: params.session_id });
  send(agent, JSON.stringify({ jsonrpc: '2.0', id: lastId, method: 'agent.chat', params }));
}

function acknowledge(callId: number | string): void {
  const call = waiting.get(callId);
  if (!call) return;
  waiting.delete(callId);
  const result = { accepted: true, session_id: call.sessionId };
  send(call.host, JSON.stringify({ jsonrpc: '2.0', id: call.id, result }));
}

function sendPlainly(ws: WebSocket, text: string): void {
  ws.send(text);
}

function sendCorked(ws: WebSocket, text: string): void {
  const socket = sockets.get(ws);
  if (socket && !corked.has(socket)) {
    corked.add(socket);
    socket.cork();
    process.nextTick(() => {
      corked.delete(socket);
      socket.uncork();
    });
  }
  ws.send(text);
}
