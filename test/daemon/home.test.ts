import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StartError } from '../../daemon/errors.ts';
import { openHome } from '../../daemon/home.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

const announcement = { pid: process.pid, url: 'ws://127.0.0.1:1', socket: null, version: '1' };

describe('the home', () => {
  it('is made where it is missing, closed to others', () => {
    const path = join(temporaryDirectory(), 'a', 'home');
    const home = openHome(path);
    expect(modeOf(path)).toBe(0o700);
    expect(modeOf(join(path, 'run'))).toBe(0o700);
    expect(home.agentsFile).toBe(join(path, 'agents.json'));
  });

  it('closes a run directory that was open', () => {
    const run = join(temporaryDirectory(), 'run');
    mkdirSync(run);
    chmodSync(run, 0o777);
    openHome(join(run, '..'));
    expect(modeOf(run)).toBe(0o700);
  });

  it('keeps tokens and the announcement in private files, and takes them along when it is released', () => {
    const path = temporaryDirectory();
    const run = join(path, 'run');
    const home = openHome(path);
    home.writeTokens({ daemon: 'd', host: 'h' });
    home.announce(announcement);
    const text = (name: string) => readFileSync(join(run, name), 'utf8').trim();
    expect([text('auth-token'), text('host-token')]).toEqual(['d', 'h']);
    expect(JSON.parse(text('broker.json'))).toEqual(announcement);
    for (const name of ['auth-token', 'host-token', 'broker.json']) expect(modeOf(join(run, name))).toBe(0o600);
    // What `switchboard console` leaves behind has the token in it.
    writeFileSync(join(run, 'console.html'), 'h');
    home.release();
    expect(readdirSync(run)).toEqual([]);
    home.release();
  });

  it('is refused, and soon, where nothing can be made', () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    expect(() => openHome(join(file, 'home'))).toThrow('ENOTDIR');
    expect(() => openHome(file)).toThrow('ENOTDIR');
    if (process.platform === 'linux') expect(() => openHome('/proc/home')).toThrow('ENOENT');
  });

  it('is refused while another daemon lives on it, and that one’s files stay', () => {
    const path = temporaryDirectory();
    const run = join(path, 'run');
    mkdirSync(run);
    writeFileSync(join(run, 'daemon.lock'), JSON.stringify({ pid: process.ppid, start: null }));
    writeFileSync(join(run, 'broker.json'), 'theirs');
    expect(() => openHome(path)).toThrow(StartError);
    expect(() => openHome(path)).toThrow(`another daemon (pid ${process.ppid}) is running on ${path}`);
    expect(readFileSync(join(run, 'broker.json'), 'utf8')).toBe('theirs');
  });

  it('does not keep what a crashed daemon left', () => {
    const path = temporaryDirectory();
    const crashed = openHome(path);
    crashed.writeTokens({ daemon: 'd', host: 'h' });
    crashed.announce(announcement);
    writeFileSync(join(path, 'run/console.html'), 'h');
    // The lock carries our own pid, as a container's next daemon would find it.
    openHome(path);
    expect(readdirSync(join(path, 'run'))).toEqual(['daemon.lock']);
  });

  it('lets go of its lock where it cannot be made', () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, 'meetings'), '');
    expect(() => openHome(path)).toThrow('meetings is no directory');
    expect(readdirSync(join(path, 'run'))).toEqual([]);
  });

  it('tells what it could not remove, and removes the rest', () => {
    const path = temporaryDirectory();
    const run = join(path, 'run');
    const failures: unknown[] = [];
    const home = openHome(path, (error) => failures.push(error));
    home.writeTokens({ daemon: 'd', host: 'h' });
    // Of that name, and no file.
    mkdirSync(join(run, 'console.html'));
    home.release();
    expect(failures).toEqual([expect.objectContaining({ path: join(run, 'console.html') })]);
    expect(readdirSync(run)).toEqual(['console.html']);
  });

  it('does not remove an announcement that somebody else has made since', () => {
    const path = temporaryDirectory();
    const home = openHome(path);
    home.announce(announcement);
    writeFileSync(join(path, 'run', 'broker.json'), 'theirs');
    home.release();
    expect(existsSync(join(path, 'run', 'broker.json'))).toBe(true);
  });
});
