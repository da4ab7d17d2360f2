/** Made by `console/chart-layouts.ts` when the console is built. */
declare module 'virtual:chart-layouts' {
  const layouts: import('./stored-layouts.ts').StoredLayouts;
  export default layouts;
}
