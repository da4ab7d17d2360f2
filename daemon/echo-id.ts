/** The demonstration agent's id. */
export const ECHO_ID = 'echo';
