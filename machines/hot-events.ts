/**
 * The events of a chart that come in great numbers, and the top-level states in which each is legal and leaves the chart
 * where it is: there it takes no step of it (law 2). The chart has the same transition all the same, to be read and drawn.
 */
export type HotEvents<Type extends string = string> = { readonly [K in Type]?: readonly string[] };
