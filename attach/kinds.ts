import { z } from 'zod';
import { a2aSettings } from './a2a/settings.ts';
import { acpSettings } from './acp/settings.ts';
import type { AttachKind } from './attached.ts';
import { openaiSettings } from './openai/settings.ts';
import { common, takes } from './settings.ts';
import { messageOf } from './words.ts';

/** One kind of attached agents: the names of its settings are those of the flags, without `--`. */
interface KindSpec<S extends z.ZodObject> {
  settings: S;
  /** Its code comes with this: what is not used is not loaded. */
  load(settings: z.output<S>): Promise<AttachKind>;
}

const kind = <S extends z.ZodObject>(spec: KindSpec<S>): KindSpec<S> => spec;

/** By the setting that says which kind it is. */
const KINDS = {
  acp: kind({
    settings: acpSettings,
    load: async (settings) => (await import('./acp/kind.ts')).acpKind(settings),
  }),
  openai: kind({
    settings: openaiSettings,
    load: async (settings) => (await import('./openai/kind.ts')).openaiKind(settings),
  }),
  a2a: kind({
    settings: a2aSettings,
    load: async (settings) => (await import('./a2a/kind.ts')).a2aKind(settings),
  }),
};

/** A setting that is not known, or does not take what it was given. The message is one line. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** An agent to be attached, its settings checked. */
export interface Entry {
  id: string;
  load(): Promise<AttachKind>;
}

/**
 * Checks the settings of one agent.
 * @param label how a person knows a setting: `--mode`, `agents[2].mode`.
 * @throws {SettingError}
 */
export function readEntry(value: Readonly<Record<string, unknown>>, label: (setting: string) => string): Entry {
  const names = Object.keys(KINDS) as (keyof typeof KINDS)[];
  const given = names.filter((name) => value[name] !== undefined);
  const [name] = given;
  if (name === undefined) throw new SettingError(`${label('')} needs one of ${names.map(label).join(', ')}`);
  if (given.length > 1) throw new SettingError(`${given.map(label).join(' and ')} exclude each other`);
  return checked(KINDS[name] as unknown as KindSpec<z.ZodObject>, value, label);
}

function checked(spec: KindSpec<z.ZodObject>, value: object, label: (setting: string) => string): Entry {
  const schema = z.strictObject({ ...common, ...spec.settings.shape });
  const result = schema.safeParse(value);
  if (result.success) {
    const { id, ...settings } = result.data as { id: string };
    return { id, load: () => spec.load(settings) };
  }
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw new SettingError(`${label(issue.keys[0] ?? '')} is no setting of such an agent`);
  const name = String(issue?.path[0] ?? '');
  const setting = Object.hasOwn(schema.shape, name) ? (schema.shape as Record<string, z.ZodType>)[name] : undefined;
  const wrong = (value as Record<string, unknown>)[name];
  const { words = issue?.message, isSecret = false } = (setting && takes.get(setting)) ?? {};
  if (wrong === undefined) throw new SettingError(`${label(name)} is missing: ${words}`);
  throw new SettingError(`${label(name)} takes ${words}${isSecret ? '' : `, not ${show(wrong)}`}`);
}

function show(value: unknown): string {
  const text = messageOf(JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
