/**
 * Calls what a user of the SDK wants to be told by. If that throws, it is said on the console and goes no further: a
 * listener's fault may neither end the process nor stop the reconnecting.
 */
export function quietly(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    console.error(error);
  }
}
