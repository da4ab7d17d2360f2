/** Made by `console/method-table.ts` when the console is built. */
declare module 'virtual:method-table' {
  const methods: readonly import('./schema.ts').CallableMethod[];
  export default methods;
}
