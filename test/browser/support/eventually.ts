import { expect } from 'vitest';

/** Expects what a person sees in the end: looked at again until it fits, for as long as anything may take here. */
export function eventually(read: () => unknown): ReturnType<typeof expect.poll> {
  return expect.poll(read, { timeout: 30_000 });
}
