import { WebSocketServer } from 'ws';
import { announce } from './announce.ts';

/**
 * Holds connections and does nothing: what `ws` itself costs for each of them. Run as `node bare-ws.js HOME`.
 */
const [home = ''] = process.argv.slice(2);
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('listening', () => announce(home, server.address()));
server.on('connection', (ws) => {
  ws.on('message', () => {});
  ws.on('error', () => {});
});
