// A web application whose people chat. It signs them in itself, and gives each page a key that lasts ten minutes.
//
//   npx switchboard keys add web-app --scope host        prints the server's own key
//   SWITCHBOARD_HOST_TOKEN=sbk_… node examples/web-app/server.js
//
// and a daemon that allows its pages: npm start -- --demo --allow-origin http://localhost:8080
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { connectHost, findUrl } from 'switchboard/client';
import { createServer as createVite } from 'vite';

const port = Number(process.env.PORT ?? 8080);
const hostToken = process.env.SWITCHBOARD_HOST_TOKEN;
if (!hostToken) throw new Error('SWITCHBOARD_HOST_TOKEN is to be a key with the scope host');

// Your application's own people, and its own sessions: which cookie is whose.
const people = new Map([
  ['ada', 'analytical'],
  ['bob', 'builder'],
]);
const sessions = new Map();
const sessionOf = ({ headers }) => /\bsession=([\w-]+)/.exec(headers.cookie ?? '')?.[1];

// The server's key stays here. (Where people sign in at an OpenID provider the page shows its JWT instead: docs/identity.md.)
// What it makes may chat with echo, over a WebSocket, in the name of one person.
const broker = await connectHost({ hostToken, reconnect: true });
const keyFor = (user) =>
  broker.request('keys.add', {
    name: `page-${randomUUID()}`,
    sub: user,
    agents: ['echo'],
    fronts: ['ws'],
    expires_in_ms: 10 * 60_000,
  });

/** Whoever signs out is out at once, in all windows: their chats end. */
async function endKeysOf(user) {
  const keys = await broker.request('keys.list', { like: user });
  const theirs = keys.filter(({ name, sub }) => sub === user && name.startsWith('page-'));
  await Promise.all(theirs.map(({ name }) => broker.request('keys.remove', { name })));
}

const routes = {
  async '/sign-in'(request, response) {
    const { name, password } = await bodyOf(request);
    if (!password || people.get(name) !== password) return response.writeHead(403).end();
    const session = randomUUID();
    sessions.set(session, name);
    const cookie = `session=${session}; HttpOnly; SameSite=Strict; Path=/`;
    return response.writeHead(204, { 'set-cookie': cookie }).end();
  },
  async '/key'(request, response) {
    const user = sessions.get(sessionOf(request));
    if (!user) return response.writeHead(401).end();
    const { token } = await keyFor(user);
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return response.writeHead(200, headers).end(JSON.stringify({ url: findUrl(), token }));
  },
  async '/sign-out'(request, response) {
    const user = sessions.get(sessionOf(request));
    sessions.delete(sessionOf(request));
    if (user) await endKeysOf(user);
    return response.writeHead(204).end();
  },
};

async function bodyOf(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 1_000) return {};
  }
  return Object.fromEntries(new URLSearchParams(body));
}

const server = createServer((request, response) => {
  const route = request.method === 'POST' ? routes[request.url] : undefined;
  if (!route) return vite.middlewares(request, response);
  return route(request, response).catch((error) => {
    console.error(error.message);
    response.writeHead(503).end();
  });
});
// Vite serves the page and the SDK from the sources; in production that is a folder that it has built.
const root = fileURLToPath(new URL('.', import.meta.url));
const vite = await createVite({ root, server: { middlewareMode: true, hmr: { server } } });
server.listen(port, '127.0.0.1', () => console.log(`http://localhost:${port}`));
