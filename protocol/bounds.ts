import { z } from 'zod';

/*
 * What strings and arrays of the wire are made with: each has an end. `z.string()` and `z.array()` alone have none, and
 * a test walks every schema of the method table for one that was made with them.
 */

/**
 * The most that `--max-message-bytes` may be: a text frame becomes a string, which V8 ends at half a gigabyte. A text
 * with this bound is bounded by its message.
 */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** So many fields one error names; the rest is not even looked for. */
export const MAX_ISSUES = 20;

/** Entries of a listing that the broker writes. It bounds what it lists by limits of its own. */
export const MAX_LISTED = 1_000_000;

/** Characters of an id that no shape of its own bounds. */
export const MAX_ID = 1_024;

// One of each for all that is made of it, since to make one takes time at every start: a schema does not change.
const texts = {
  long: z.string().max(MAX_MESSAGE_BYTES),
  short: z.string().max(4_096),
  id: z.string().max(MAX_ID),
  name: z.string().max(256),
};

/** A text of a client's that may be as long as the message around it: a prompt, a delta, a picture. */
export const longText = () => texts.long;

/** A text of a line or two: a description, a model's name, a reason. */
export const shortText = () => texts.short;

/** An id that the broker has made, or of which only the length matters. */
export const anyId = () => texts.id;

/** Something that has a name and at most 256 characters. */
export const nameText = () => texts.name;

/** A text of a shape that says itself how long it may be; of one that is too long nothing else is looked at. */
export const shaped = (most: number, pattern: RegExp, message: string) =>
  z.string().max(most, { error: message, abort: true }).regex(pattern, message);

/** Entries that the broker lists: bounded where they are kept. */
export const listing = <T extends z.ZodType>(element: T) => list(element, MAX_LISTED);

/** In an answer with a list: it is not whole. */
export const truncated = z
  .literal(true)
  .optional()
  .meta({ description: 'there is more: this is all that fits into 768 KiB' });

/**
 * An array of at most `most` elements. Unlike zod's own it looks at no element after {@link MAX_ISSUES} of them were wrong:
 * what a client sends decides neither how long that takes nor how much memory its errors fill.
 */
export const list = <T extends z.ZodType>(element: T, most: number): z.ZodArray<T> =>
  new BoundedArray({ type: 'array', element, checks: [z.maxLength(most)] }) as unknown as z.ZodArray<T>;

/** A {@link list}. A constructor of its own, so that `.meta()`, `.min()` and the like, which copy a schema, keep it. */
const BoundedArray = z.core.$constructor('BoundedArray', (inst: z.ZodArray, def: z.core.$ZodArrayDef) => {
  z.ZodArray.init(inst, def);
  const most = greatestLength(def);
  const element = def.element as z.ZodType;
  inst._zod.parse = (payload, ctx) => {
    const input = payload.value;
    // No `continue`: what else is asked of an array has no sense for these.
    if (!Array.isArray(input)) {
      payload.issues.push({ expected: 'array', code: 'invalid_type', input, inst, continue: false });
      return payload;
    }
    if (input.length > most) {
      const issue = { origin: 'array', code: 'too_big', maximum: most, inclusive: true, input, inst } as const;
      payload.issues.push({ ...issue, continue: false });
      return payload;
    }
    const output: unknown[] = [];
    payload.value = output;
    for (const [at, value] of input.entries()) {
      const result = element._zod.run({ value, issues: [] }, ctx);
      if (result instanceof Promise) throw new z.core.$ZodAsyncError();
      payload.issues.push(...z.core.util.prefixIssues(at, result.issues));
      if (payload.issues.length >= MAX_ISSUES) break;
      output.push(result.value);
    }
    return payload;
  };
});

/** The most elements, or characters, that a schema's checks let pass. */
export function greatestLength({ checks = [] }: z.core.$ZodTypeDef): number {
  return checks.reduce((most, { _zod: { def } }) => {
    return def.check === 'max_length' ? Math.min(most, (def as z.core.$ZodCheckMaxLengthDef).maximum) : most;
  }, Number.POSITIVE_INFINITY);
}
