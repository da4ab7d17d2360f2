import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The variables that `switchboard mcp-door` reads: a command line is public. */
export const DOOR_URL = 'SWITCHBOARD_DOOR_URL';
export const DOOR_TOKEN = 'SWITCHBOARD_DOOR_TOKEN';

/** The program that is an MCP server on stdio, and the same as the one at this URL. */
export function doorCommand(url: string, bearer: string) {
  const root = dirname(createRequire(import.meta.url).resolve('switchboard/package.json'));
  return {
    command: process.execPath,
    args: [join(root, 'dist/cli/main.js'), 'mcp-door'],
    env: [
      { name: DOOR_URL, value: url },
      { name: DOOR_TOKEN, value: bearer },
    ],
  };
}
