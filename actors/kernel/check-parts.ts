/** The functions that each part of an embedder's own must have, and those that it may leave out. */
const PARTS = {
  clock: { must: ['now', 'setTimeout', 'clearTimeout'], may: [] },
  agentStore: { must: ['load', 'save'], may: [] },
  meetingStore: { must: ['load', 'create', 'append', 'read', 'remove'], may: [] },
  memory: { must: ['addFact', 'query', 'delete', 'factCount'], may: ['forget'] },
  a2a: { must: ['send'], may: [] },
  voice: { must: [], may: ['transcribe', 'speak'] },
  log: { must: ['debug', 'info', 'warn', 'error'], may: [] },
} as const;

/**
 * Checks the parts that an embedder brings, before anything starts: one that lacks a function would only fail when
 * somebody needs it.
 * @throws {TypeError} that names the option and the function.
 */
export function checkParts(options: { readonly [P in keyof typeof PARTS]?: object | undefined }): void {
  for (const [name, { must, may }] of Object.entries(PARTS)) {
    const part: unknown = options[name as keyof typeof PARTS];
    if (part === undefined) continue;
    if (typeof part !== 'object' || part === null) throw new TypeError(`${name} must be an object`);
    const member = (key: string): unknown => (part as Record<string, unknown>)[key];
    for (const key of must) {
      if (typeof member(key) !== 'function') throw new TypeError(`${name}.${key} must be a function`);
    }
    for (const key of may) {
      const value = member(key);
      if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name}.${key} must be a function`);
    }
    if (must.length === 0 && may.every((key) => member(key) === undefined))
      throw new TypeError(`${name} must have one of ${may.join(', ')}`);
  }
}
