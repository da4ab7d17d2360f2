import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { DIST, Program } from './support/program.ts';

/** A broker that is scraped for the first time when the process has no file handle left, and then again. */
const SCRAPED = `
import { closeSync, openSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createBroker } from ${JSON.stringify(pathToFileURL(join(DIST, 'broker.js')).href)};

const none = () => {};
const error = ({ err }, what) => console.log(err.code, what);
const broker = createBroker({ log: { debug: none, info: none, warn: none, error } });
const { port } = await broker.listen({ port: 0 });
// One connection, which is open before there is no room for another.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const ask = (path) =>
  new Promise((resolve, reject) => {
    get({ port, path, agent, host: '127.0.0.1' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
console.log(await ask('/healthz'));
const taken = [];
try {
  for (;;) taken.push(openSync('/dev/null'));
} catch {}
console.log(await ask('/metrics'), await ask('/healthz'));
for (const file of taken) closeSync(file);
console.log(await ask('/metrics'));
agent.destroy();
await broker.close();
`;

it('a broker out of file handles says that it cannot be scraped, and can be as soon as there are some again', async () => {
  const program = new Program(['--input-type=module', '-e', SCRAPED], {}, 'ulimit -n 1024');
  const { code } = await program.exit;
  expect({ code, lines: program.lines, err: program.err }).toEqual({
    code: 0,
    // Which file there is no handle for depends on Node: 24 reads a package.json first, and words that in its own way.
    lines: [
      '200',
      expect.stringMatching(/^(EMFILE|ERR_INVALID_PACKAGE_CONFIG) the route \/metrics failed$/),
      '500 200',
      '200',
    ],
    err: '',
  });
});
