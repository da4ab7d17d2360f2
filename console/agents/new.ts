/** What stands in the address of the page where an agent is to be added: no agent is called so. */
export const NEW = '+';
