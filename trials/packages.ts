import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from './processes.ts';

/** Packages of npm in a folder of their own. */
export interface Packages {
  /** Path of a file inside one of them. */
  file(packageName: string, path: string): string;
  /** What was installed, as `name version, name version`. */
  versions: string;
}

/** How long npm may take. */
const INSTALL_MS = 15 * 60_000;

/**
 * Installs packages with npm, where they are not there yet.
 * @param wanted as `name@version`.
 * @throws {Error} with what npm said.
 */
export async function install(folder: string, wanted: readonly string[]): Promise<Packages> {
  const names = wanted.map((it) => it.replace(/(?<=.)@.*/, ''));
  const manifest = (name: string) => join(folder, 'node_modules', name, 'package.json');
  mkdirSync(folder, { recursive: true });
  if (!names.every((name) => existsSync(manifest(name)))) {
    const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
    // npm needs the settings of whoever runs this.
    const npm = new Program(['npm', 'i', '--prefix', folder, ...flags, ...wanted], process.env, folder);
    const code = await npm.ended(INSTALL_MS);
    npm.stop();
    if (code !== 0) throw new Error(`npm could not install ${wanted.join(' ')}:\n${npm.out}`);
  }
  const versions = names.map((name) => `${name} ${JSON.parse(readFileSync(manifest(name), 'utf8')).version}`);
  return { file: (name, path) => join(folder, 'node_modules', name, path), versions: versions.join(', ') };
}
