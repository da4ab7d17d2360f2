import { z } from 'zod';

/** What a flag's text is turned into before its schema sees it. A switch has no value on the command line. */
export type FlagKind = 'text' | 'number' | 'switch' | 'list';

/** What is known of a flag beside its schema and its name. */
export interface FlagInfo {
  kind: FlagKind;
  /** Heading in the help text. */
  group: string;
  /** What it does, in one line for the help text. */
  does: string;
  /** What it takes, to follow "takes" in an error. */
  takes: string;
  /** Placeholder of its value in the help text; none for a switch. */
  value?: string;
  /** Its default in the help text where the schema's own reads badly. */
  shown?: string;
}

/** Each flag's schema with what is known of it. */
export const flagInfo = z.registry<FlagInfo>();

/** The `SWITCHBOARD_*` variable of a flag (`wire.md` section 12). */
export function variableOf(name: string): string {
  return `SWITCHBOARD_${name.toUpperCase().replaceAll('-', '_')}`;
}
