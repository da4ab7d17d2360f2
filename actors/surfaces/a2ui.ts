import {
  BASIC_COMPONENTS,
  CreateSurfaceMessageSchema,
  DeleteSurfaceMessageSchema,
  UpdateComponentsMessageSchema,
  UpdateDataModelMessageSchema,
} from '@a2ui/web_core/v0_9';
import type { EnvelopeKind } from '../../protocol/surfaces.ts';

// The one module that knows `@a2ui/web_core`. The build puts the schemas, and the zod they are made with, into the built
// module itself: whoever runs Switchboard need not install the package, which brings a renderer and 45 MB.

/** What a check says; zod's own answer, as far as it is read here. */
interface Verdict {
  success: boolean;
  error?: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } | undefined;
}
/** What checks a value; a schema of zod, as far as it is used here. */
export interface Schema {
  safeParse(value: unknown): Verdict;
}

/** What each envelope must be. */
export const envelopes: Readonly<Record<EnvelopeKind, Schema>> = {
  createSurface: CreateSurfaceMessageSchema,
  updateComponents: UpdateComponentsMessageSchema,
  updateDataModel: UpdateDataModelMessageSchema,
  deleteSurface: DeleteSurfaceMessageSchema,
};

const basic: readonly { name: string; schema: Schema }[] = BASIC_COMPONENTS;

/** What the components of the basic catalog must be, by name. */
export const components: ReadonlyMap<string, Schema> = new Map(basic.map(({ name, schema }) => [name, schema]));
