/** A word of a message; empty where it is none. `String()` throws for some objects that JSON can bring. */
export const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '');
