import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StartError } from '../../daemon/errors.ts';
import { bindSocket, chooseSocket, prepareDirectory } from '../../daemon/socket.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

async function listen(path: string): Promise<Server> {
  const server = createServer().listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return server;
}

/** What a daemon leaves that was killed. */
async function deadSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script, path]), 'exit');
  expect(lstatSync(path).isSocket()).toBe(true);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('binding a socket', () => {
  it('makes a private one, and leaves nothing else beside it', async () => {
    const path = join(temporaryDirectory(), 's');
    await bindSocket(path, () => listen(path));
    expect(modeOf(path)).toBe(0o600);
    expect(await answers(path)).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('takes the place of a dead one', async () => {
    const path = join(temporaryDirectory(), 's');
    await deadSocket(path);
    await bindSocket(path, () => listen(path));
    expect(await answers(path)).toBe(true);
  });

  it('never touches a live one', async () => {
    const path = join(temporaryDirectory(), 's');
    await listen(path);
    const { ino } = statSync(path);
    await expect(bindSocket(path, () => Promise.reject(new Error('was called')))).rejects.toThrow(
      `the socket ${path} is in use`,
    );
    expect(statSync(path).ino).toBe(ino);
    expect(await answers(path)).toBe(true);
  });

  it('refuses what is no socket, a link to one too', async () => {
    const directory = temporaryDirectory();
    const [file, link] = [join(directory, 'f'), join(directory, 'l')];
    writeFileSync(file, 'precious');
    await deadSocket(join(directory, 's'));
    symlinkSync(join(directory, 's'), link);
    for (const path of [file, link]) {
      await expect(bindSocket(path, () => listen(path))).rejects.toThrow(`${path} is there already and is no socket`);
    }
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  it('is refused while another daemon is at it', async () => {
    const path = join(temporaryDirectory(), 's');
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: process.ppid, start: null }));
    await expect(bindSocket(path, () => listen(path))).rejects.toThrow(StartError);
    expect(existsSync(path)).toBe(false);
  });

  it('passes a failure to bind on, and does not stay locked', async () => {
    const path = join(temporaryDirectory(), 's');
    await expect(bindSocket(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('gives a way to unlink it in a hurry, which spares another’s', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 's');
    const first = await bindSocket(path, () => listen(path));
    first();
    expect(existsSync(path)).toBe(false);
    writeFileSync(join(directory, 'occupies an inode'), '');
    await listen(path);
    first();
    expect(await answers(path)).toBe(true);
  });
});

describe('the choice of a socket', () => {
  const settings = { 'no-socket': false };

  it('is the runtime directory’s, else the home’s', () => {
    const at = (XDG_RUNTIME_DIR?: string) => chooseSocket(settings, '/home/run', { XDG_RUNTIME_DIR });
    expect(at('/run/user/1')).toEqual({ path: '/run/user/1/switchboard/broker.sock', explicit: false });
    for (const unusable of [undefined, '', 'relative']) {
      expect(at(unusable)).toEqual({ path: '/home/run/broker.sock', explicit: false });
    }
  });

  it('is the one that was asked for, or none', () => {
    expect(chooseSocket({ ...settings, socket: '/s' }, '/r', {})).toEqual({ path: '/s', explicit: true });
    expect(chooseSocket({ 'no-socket': true }, '/r', {})).toEqual({ path: null });
  });

  it('is none, with the reason, where the default path is too long for a socket', () => {
    const choice = chooseSocket(settings, `/${'x'.repeat(100)}`, {});
    expect(choice).toEqual({ path: null, why: expect.stringContaining('longer than the 107 bytes') });
  });
});

describe('the socket’s directory', () => {
  it('is made private', () => {
    const directory = join(temporaryDirectory(), 'a');
    prepareDirectory(join(directory, 's'), true);
    expect(modeOf(directory)).toBe(0o700);
  });

  it('is set right if it is the default one, and left alone if it was asked for', () => {
    const directory = join(temporaryDirectory(), 'a');
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    prepareDirectory(join(directory, 's'), true);
    expect(modeOf(directory)).toBe(0o755);
    prepareDirectory(join(directory, 's'), false);
    expect(modeOf(directory)).toBe(0o700);
  });

  it('is refused if it is the default one and somebody else could have put it there', () => {
    const directory = temporaryDirectory();
    symlinkSync('/tmp', join(directory, 'a'));
    expect(() => prepareDirectory(join(directory, 'a', 's'), false)).toThrow(StartError);
  });
});
