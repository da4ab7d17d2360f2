import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ConfigError } from './errors.ts';

/** @throws ConfigError where this user has no home directory to put it in, as with an empty `HOME`. */
export function defaultHome(): string {
  let home = '';
  try {
    home = homedir();
  } catch {
    // Neither a variable nor an entry among the users.
  }
  if (isAbsolute(home)) return join(home, '.switchboard');
  throw new ConfigError('HOME names no directory; set it to an absolute path, or give --home');
}
