import type { Json } from './dialect.ts';

/** A value that matches a JSON schema of objects, arrays and scalars: agents ask a model for such, to choose another model. */
export function exampleOf(schema: unknown): unknown {
  const { type, enum: oneOf, properties = {}, minimum = 1 } = schema as Json;
  if (Array.isArray(oneOf)) return oneOf[0];
  switch (String(type).toLowerCase()) {
    case 'object':
      return Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, exampleOf(of)]));
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return minimum;
    default:
      return 'x';
  }
}
