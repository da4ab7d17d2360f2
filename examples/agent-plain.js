// The same agent with nothing but `ws`: JSON-RPC 2.0, one message per text frame.
//
//   SWITCHBOARD_AGENT_TOKEN=… node examples/agent-plain.js my-agent
import { WebSocket } from 'ws';

const [agentId = 'my-agent', token = process.env.SWITCHBOARD_AGENT_TOKEN] = process.argv.slice(2);
const socket = new WebSocket(process.env.SWITCHBOARD_URL ?? 'ws://127.0.0.1:9100');
const turns = new Map(); // turn_id → AbortController

const send = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));

// The first request of every connection proves who is calling.
socket.on('open', () => send({ id: 1, method: 'session.auth', params: { token, agent_id: agentId } }));

socket.on('message', (data) => {
  const { id, method, params, error } = JSON.parse(data.toString());
  if (method === 'agent.chat') {
    // Accept within five seconds, then stream.
    send({ id, result: { accepted: true } });
    answer(params);
  } else if (method === 'agent.chat.cancel') {
    turns.get(params.turn_id)?.abort();
  } else if (method !== undefined && id !== undefined) {
    // A request this agent does not know must be answered too.
    send({ id, error: { code: -32601, message: 'method not found' } });
  } else if (id === 1) {
    if (error) {
      console.error(error.message);
      socket.close();
    } else console.log(`${agentId}: ready`);
  }
});

socket.on('close', (code, reason) => {
  for (const turn of turns.values()) turn.abort();
  console.log(`closed: ${code} ${reason}`);
});
socket.on('error', (error) => console.error(error.message));

async function answer({ session_id, turn_id, prompt }) {
  const event = (fields) => send({ method: 'agent.chat.event', params: { session_id, turn_id, ...fields } });
  const turn = new AbortController();
  turns.set(turn_id, turn);
  event({ kind: 'token', delta: 'You said: ' });
  for (const word of prompt.split(' ')) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Cancelled: the host has been told already, nothing more is expected.
    if (turn.signal.aborted) break;
    event({ kind: 'token', delta: `${word} ` });
  }
  // Every turn ends with exactly one terminal: done, error or auth_required.
  if (!turn.signal.aborted) event({ kind: 'done', finish_reason: 'stop' });
  turns.delete(turn_id);
}
