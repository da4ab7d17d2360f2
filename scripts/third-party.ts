import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

/**
 * Writes `THIRD_PARTY.txt` beside the built console: of every package that went into it, its name and its licence.
 * @param others folders of packages that went into what is bundled on its own, see {@link packagesOf}.
 */
export function thirdPartyNotices(others: ReadonlySet<string> = new Set()): Plugin {
  return {
    name: 'third-party-notices',
    apply: 'build',
    generateBundle(_options, bundle) {
      const notices = [...new Set([...foldersOf(bundle), ...others])].map(noticeOf).sort();
      this.emitFile({ type: 'asset', fileName: 'THIRD_PARTY.txt', source: notices.join(`\n${'-'.repeat(78)}\n\n`) });
    },
  };
}

/** Of a bundle within another, a worker's: gathers the folders of its packages, for that one's notices. */
export function packagesOf(folders: Set<string>): Plugin {
  return {
    name: 'third-party-packages',
    apply: 'build',
    generateBundle(_options, bundle) {
      for (const folder of foldersOf(bundle)) folders.add(folder);
    },
  };
}

type Bundle = Parameters<Extract<Plugin['generateBundle'], (...args: never[]) => unknown>>[1];

function foldersOf(bundle: Bundle): Set<string> {
  const modules = Object.values(bundle).flatMap((part) => (part.type === 'chunk' ? Object.entries(part.modules) : []));
  const folders = new Set<string>();
  for (const [id, { renderedLength }] of modules) {
    const folder = renderedLength > 0 ? packageFolder(id) : undefined;
    if (folder !== undefined) folders.add(folder);
  }
  return folders;
}

/** The package that a module is from; undefined where it is one of ours. */
function packageFolder(module: string): string | undefined {
  const [path = ''] = module.replace(/^\0+/, '').split('?');
  if (!path.includes('/node_modules/') || !existsSync(path)) return undefined;
  let folder = dirname(path);
  // Folders inside a package may hold a package.json of their own, without a name.
  while (!/\/node_modules\/(@[^/]+\/)?[^/]+$/.test(folder)) folder = dirname(folder);
  return folder;
}

function noticeOf(folder: string): string {
  const { name, version, license, repository, homepage } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const file = readdirSync(folder).find((one) => /^licen[cs]e(\.|$)/i.test(one));
  // A package that ships without its terms must not be shipped on without them.
  if (file === undefined) throw new Error(`${name} has no licence file`);
  const source = homepage ?? repository?.url ?? repository ?? '';
  return `${name} ${version}, ${license}\n${source}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}
