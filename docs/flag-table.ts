import { configSchema } from '../daemon/config.ts';
import { flagInfo, variableOf } from '../daemon/flag.ts';
import { code, markdownTable } from './markdown.ts';

/** The daemon's flags. */
export function flagTable(): string {
  const rows = Object.entries(configSchema.shape).map(([name, schema]) => {
    const info = flagInfo.get(schema);
    if (!info) throw new Error(`nothing is known of the flag ${name}`);
    const flag = info.value ? `--${name} ${info.value}` : `--${name}`;
    return [code(flag), code(variableOf(name)), info.shown ?? shown(schema.safeParse(undefined).data), info.does];
  });
  return markdownTable(['Flag', 'Variable', 'Default', 'Meaning'], rows);
}

function shown(value: unknown): string {
  if (value === false) return 'off';
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  return code(String(value));
}
