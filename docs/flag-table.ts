import { configSchema } from '../config.ts';
import { flagInfo, variableOf } from '../daemon/flag.ts';
import { code, markdownTable } from './markdown.ts';

/** The daemon's flags. @param notBuiltYet those that are accepted and do nothing so far. */
export function flagTable(notBuiltYet: readonly string[]): string {
  const rows = Object.entries(configSchema.shape).map(([name, schema]) => {
    const info = flagInfo.get(schema);
    if (!info) throw new Error(`nothing is known of the flag ${name}`);
    const flag = info.value ? `--${name} ${info.value}` : `--${name}`;
    const note = notBuiltYet.includes(name) ? ' *(accepted, not built yet)*' : '';
    return [
      code(flag),
      code(variableOf(name)),
      info.shown ?? shown(schema.safeParse(undefined).data),
      info.does + note,
    ];
  });
  return markdownTable(['Flag', 'Variable', 'Default', 'Meaning'], rows);
}

function shown(value: unknown): string {
  if (value === false) return 'off';
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  return code(String(value));
}

/** The flags that the daemon's own source calls not built yet. */
export function notBuiltYet(source: string): string[] {
  const [, list] = /const NOT_BUILT_YET = \[([^\]]*)\]/.exec(source) ?? [];
  if (list === undefined) throw new Error('the daemon has no list of flags that are not built yet');
  return [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name ?? '');
}
