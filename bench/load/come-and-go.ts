import { type ClientOptions, WebSocket } from 'ws';

/** Opened at once. */
const AT_ONCE = 10;

/** Opens so many connections, each of which authenticates and leaves. `auth`: the parameters of each one's `session.auth`. */
export async function comeAndGo(
  url: string,
  count: number,
  auth: (at: number) => object,
  options: ClientOptions = {},
): Promise<void> {
  const frame = (at: number) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.auth', params: auth(at) });
  for (let done = 0; done < count; done += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => come(url, options, frame(done + at))));
}

function come(url: string, options: ClientOptions, auth: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    socket.on('error', reject);
    socket.on('open', () => socket.send(auth));
    socket.on('message', (data) => {
      if ('result' in JSON.parse(String(data))) socket.close();
      else reject(new Error(String(data)));
    });
    socket.on('close', () => resolve());
  });
}
