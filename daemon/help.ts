import type { z } from 'zod';
import { type FlagInfo, flagInfo, variableOf } from './flag.ts';

const INDENT = '  ';

/** The text of `--help`, made from the same table that reads the flags. */
export function helpText(flags: Readonly<Record<string, z.ZodType>>): string {
  const groups = new Map<string, string[][]>();
  for (const [name, schema] of Object.entries(flags)) {
    const info = flagInfo.get(schema);
    if (!info) continue;
    const flag = info.value ? `--${name} ${info.value}` : `--${name}`;
    const rows = groups.get(info.group) ?? [];
    groups.set(info.group, rows);
    rows.push([flag, variableOf(name), `${info.does}${defaultOf(schema, info)}`]);
  }
  groups.set('Other', [
    ['--config FILE', variableOf('config'), 'read settings from a JSON file; keys are flags without "--"'],
    ['--help, -h', '', 'show this text'],
    ['--version', '', 'show the version'],
    ['', 'SWITCHBOARD_AUTH_TOKEN', 'the daemon token, instead of a random one'],
    ['', 'SWITCHBOARD_HOST_TOKEN', 'the management token, instead of a random one'],
  ]);
  const all = [...groups.values()].flat();
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]) => INDENT + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(INDENT);
  return [
    'A broker between the windows people chat in and long-running agents.',
    '',
    'Usage: switchboard serve [flags]; in a checkout, npm start -- [flags]',
    ...[...groups].flatMap(([group, rows]) => ['', `${group}:`, ...rows.map(line)]),
    '',
    'A flag beats its variable, which beats the file. Times are in milliseconds. In variables, lists are separated by',
    'commas and switches take true or false.',
  ].join('\n');
}

function defaultOf(schema: z.ZodType, info: FlagInfo): string {
  if (info.shown !== undefined) return ` [${info.shown}]`;
  const value = schema.safeParse(undefined).data;
  return typeof value === 'string' || typeof value === 'number' ? ` [${value}]` : '';
}
