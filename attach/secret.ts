/**
 * A secret that the operator has put into a variable.
 * @param env this process's variables. @param what it is, in words.
 * @throws {Error} it is not there, or cannot be sent in a header: whoever is asked to would tell what it was
 */
export function secretIn(env: Readonly<Record<string, string | undefined>>, name: string, what: string): string {
  const value = env[name]?.trim();
  if (!value) throw new Error(`the variable ${name}, which the ${what} is to be in, is not set`);
  if (!/^[\x20-\x7e]+$/.test(value))
    throw new Error(`the variable ${name} holds no ${what}: only visible ASCII is one`);
  return value;
}
