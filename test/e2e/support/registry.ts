import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { own } from './cleanup.ts';

interface Locked {
  dev?: boolean;
  devOptional?: boolean;
}

/** See {@link startRegistry}. */
export interface Registry {
  url: string;
  /** Its packages' paths in the checkout. */
  paths: string[];
  /** Adds one that is packed already. */
  publish(manifest: { name: string; version: string }, tarball: string): void;
}

/**
 * A registry on the loopback that has what `npm ci --omit=dev` leaves of a checkout, and nothing else: npm installs from
 * it as from any, without a network, and what a package forgot to depend on is not there.
 */
export async function startRegistry(root: string): Promise<Registry> {
  const lock: Record<string, Locked> = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const paths = Object.entries(lock)
    // The package itself has no path; what is for other systems is locked, and not there.
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional && existsSync(join(root, path)))
    .map(([path]) => path);
  const manifests = new Map(
    paths.map((path) => [path, JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))]),
  );
  const tarballs = new Map<string, string>();

  /** All that npm asks of a package: its versions, and where they are. */
  const describe = (name: string) => {
    const found = [...manifests].filter(([, manifest]) => manifest.name === name);
    if (found.length === 0) return undefined;
    const versions = Object.fromEntries(
      found.map(([path, manifest]) => [manifest.version, { ...manifest, dist: { tarball: `${url}/-/${path}` } }]),
    );
    return { name, 'dist-tags': { latest: found[0]?.[1].version }, versions };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = decodeURIComponent(request.url ?? '').slice(1);
    const path = asked.startsWith('-/') ? asked.slice(2) : undefined;
    const tarball = tarballs.get(path ?? '');
    if (tarball !== undefined) return void response.end(readFileSync(tarball));
    if (path !== undefined && manifests.has(path)) return void response.end(await pack(join(root, path)));
    const packument = describe(asked);
    response.statusCode = packument ? 200 : 404;
    response.end(JSON.stringify(packument ?? { error: 'not found' }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const publish: Registry['publish'] = (manifest, tarball) => {
    manifests.set(manifest.name, manifest);
    tarballs.set(manifest.name, tarball);
  };
  return { url, paths, publish };
}

/** A package as npm takes it; one below it has a line of its own in the lock file. */
async function pack(folder: string): Promise<Buffer> {
  const words = ['-c', '--exclude', './node_modules', '--transform', 's,^\\.,package,', '-C', folder, '.'];
  const options = { encoding: 'buffer', maxBuffer: 2 ** 28 } as const;
  return (await promisify(execFile)('tar', ['--use-compress-program', 'gzip -1', ...words], options)).stdout;
}
