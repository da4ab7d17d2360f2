/** One way to lay charts out. */
export interface Arrangement {
  readonly name: string;
  /** Of ELK. */
  readonly options: Readonly<Record<string, string>>;
}

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '10',
  'elk.spacing.edgeNode': '7',
  'elk.spacing.edgeEdge': '6',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.spacing.nodeNodeBetweenLayers': '8',
  'elk.layered.spacing.edgeNodeBetweenLayers': '6',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '5',
  // Labels lie where they make no layer wider, as far as that goes.
  'elk.layered.edgeLabels.centerLabelPlacementStrategy': 'SPACE_EFFICIENT_LAYER',
  // A chart is written in the order in which it runs: what leads upwards is a way back.
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.layered.compaction.postCompaction.strategy': 'EDGE_LENGTH',
  'elk.layered.nodePlacement.strategy': 'LINEAR_SEGMENTS',
  'elk.layered.nodePlacement.favorStraightEdges': 'true',
  'elk.padding': '[top=4,left=4,bottom=4,right=4]',
};

/**
 * The ways in which a chart is laid out; a page draws the one that suits its window. The first is for who has the time for
 * one only. The layerer breaks ties by chance: these seeds are those of the smallest turns, which are the largest charts.
 */
export const ARRANGEMENTS: readonly [Arrangement, ...Arrangement[]] = [
  { name: 'down', options: { ...OPTIONS, 'elk.layered.layering.strategy': 'LONGEST_PATH', 'elk.randomSeed': '9' } },
  { name: 'across', options: { ...OPTIONS, 'elk.direction': 'RIGHT', 'elk.randomSeed': '5' } },
];
