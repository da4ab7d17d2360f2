import type { AttachFlags } from './attach.ts';

/** The flags of `attach --a2a`: `attach/a2a/settings.ts` says what they take. */
export const A2A_FLAGS: AttachFlags = {
  heading: 'For a remote agent that speaks A2A:',
  add: (command) =>
    command
      .option('--a2a <url>', 'the URL of its agent card')
      .option('--bearer-env <name>', 'the variable that its bearer token is in')
      .option('--header-env <name=var>', 'a header that it wants, and the variable that its value is in')
      .option('--allow-untrusted-endpoint', 'it may be on another machine'),
};
