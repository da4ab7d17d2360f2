import { z } from 'zod';
import { isObject, type JsonObject } from './json.ts';

/**
 * A JSON object that is passed on as it came. Not `z.record()`: that one copies, and loses a key named `__proto__`,
 * so the peer would read something else than its sender wrote (`wire.md` section 2).
 */
export const jsonObject = z.custom<JsonObject>(isObject, 'expected an object').meta({ type: 'object' });
