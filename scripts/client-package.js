// Makes dist/client-package/: the SDK as a package of its own, for a project that only connects. It has the modules that the
// two entries need, one file each: a bundler leaves out what a page does not use, and loads the rest when it is asked for.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Where it is made, below the checkout. */
export const CLIENT_PACKAGE = 'dist/client-package';

const NAME = '@switchboard/client';
/** The SDK for browsers, and for Node. */
const ENTRIES = ['client/browser', 'client/node'];
/** What it runs on, in Node; and what only its types are made of: no code imports it. */
const DEPENDENCIES = ['ws', 'zod'];
const SPECIFIERS = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

/** @param {string} root the checkout, whose dist/ has been built by tsc. */
export function makeClientPackage(root) {
  const dist = join(root, 'dist');
  const folder = join(root, CLIENT_PACKAGE);
  rmSync(folder, { recursive: true, force: true });
  const [code, types] = [modulesOf(dist, '.js'), modulesOf(dist, '.d.ts')];
  for (const path of [...code.paths, ...types.paths]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // Without the maps: there are no sources beside it.
    const text = readFileSync(join(dist, path), 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
    writeFileSync(join(folder, path), text);
  }
  const known = new Set(DEPENDENCIES);
  const foreign = [...code.packages, ...types.packages].filter((name) => !name.startsWith('node:') && !known.has(name));
  if (foreign.length > 0) throw new Error(`${NAME} imports what it does not depend on: ${foreign.join(', ')}`);
  if (code.packages.has('zod')) throw new Error(`${NAME} is to have zod for its types alone`);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifestOf(manifest), null, 2)}\n`);
  writeFileSync(join(folder, 'README.md'), README);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
}

/** All that the entries import, directly or not: modules of this project, and names of packages. */
function modulesOf(dist, ending) {
  const paths = new Set();
  const packages = new Set();
  const visit = (path) => {
    if (paths.has(path)) return;
    paths.add(path);
    for (const [, specifier] of readFileSync(join(dist, path), 'utf8').matchAll(SPECIFIERS)) {
      if (!specifier.startsWith('.')) packages.add(specifier);
      else visit(relative(dist, join(dist, dirname(path), specifier.replace(/\.[jt]s$/, ending))));
    }
  };
  for (const entry of ENTRIES) visit(entry + ending);
  return { paths, packages };
}

function manifestOf({ version, license, engines, dependencies }) {
  const [browser, node] = ENTRIES.map((entry) => ({ types: `./${entry}.d.ts`, default: `./${entry}.js` }));
  return {
    name: NAME,
    version,
    description: 'Connects hosts and agents to a Switchboard broker, from Node and from browsers',
    type: 'module',
    private: true,
    license,
    engines,
    sideEffects: false,
    exports: { '.': { browser, ...node }, './package.json': './package.json' },
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, dependencies[name]])),
  };
}

const README = `# ${NAME}

\`connectHost\` and \`connectAgent\`, for Node and for browsers: the same as \`switchboard/client\`, without the broker.

\`\`\`js
import { connectHost } from '${NAME}';

const host = await connectHost({ url: 'ws://127.0.0.1:9100', token });
for await (const event of host.chat('echo', 'hello there')) {
  if (event.kind === 'token') console.log(event.delta);
}
\`\`\`

\`ws\` is loaded in Node only, and \`zod\` never: the declarations are made of its types.
`;
