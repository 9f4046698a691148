/**
 * A CPU profile by the parts of a pair's way through the mirror. A sample counts for the innermost frame of its stack
 * that belongs to a part, so undici's work counts for the dispatch that asked for it. Pure.
 */

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export const OTHER = 'Node: sockets, timers, events';
export const COLLECTOR = 'garbage collection';

/** Which frames make a part: tested against `FUNCTION path`, the first that matches. */
const PARTS: readonly (readonly [part: string, frames: RegExp])[] = [
  [COLLECTOR, /^\(garbage collector\) /],
  ['read predictions', /\/src\/prediction\/|\/src\/mirror\/observe\./],
  ['compare', /\/src\/mirror\/compare-pair\.|\/src\/pair\/(compare|decimal|structure-diff)\./],
  ['redaction', /\/src\/mirror\/(prepare-copy|redact[^/]*|shadow-mark)\./],
  ['selection', /^#(select|sample|drawn) .*\/legs\.|\/src\/mirror\/sampling\.|\/wire\/selection\./],
  [
    'decode',
    /\/src\/framing\/|\/src\/mirror\/(decode-exchange|content-coding|parse-budget|header-of)\./,
  ],
  ['read the wire', /\/src\/wire\/|\/src\/mirror\/intake\./],
  ['record', /\/src\/record\/|\/src\/pair\/build-pair\.|\/src\/mirror\/candidate-counters\./],
  ['books', /\/src\/pair\/|\/src\/mirror\/(legs|epoch-books?|mirror)\./],
  ['dispatch', /\/src\/mirror\/|\/node_modules\/undici\//],
];

/** Waiting for events. */
const IDLE = '(idle)';

/**
 * @param text - content of a `.cpuprofile`
 * @param window - what was sampled before and after is left out: µs of the host's monotonic clock
 * @returns µs by part, idle left out
 */
export function partTimes(
  text: string,
  window: { readonly fromUs: number; readonly toUs: number },
): Map<string, number> {
  const profile: CpuProfile = JSON.parse(text);
  const partOf = partsByNode(profile.nodes);
  const times = new Map<string, number>();
  let nowUs = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[i] ?? 0;
    nowUs += us;
    const part = partOf.get(id) ?? OTHER;
    if (part === IDLE || nowUs < window.fromUs || nowUs > window.toUs) continue;
    times.set(part, (times.get(part) ?? 0) + us);
  }
  return times;
}

/** A node without a part of its own belongs to its caller's. */
function partsByNode(nodes: readonly ProfileNode[]): Map<number, string> {
  const parents = new Map<number, ProfileNode>();
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  const parts = new Map<number, string>();
  for (const node of nodes) {
    let part: string | undefined;
    for (
      let at: ProfileNode | undefined = node;
      at !== undefined && part === undefined;
      at = parents.get(at.id)
    ) {
      part = partOfFrame(at);
    }
    parts.set(node.id, part ?? OTHER);
  }
  return parts;
}

function partOfFrame({ callFrame }: ProfileNode): string | undefined {
  const { functionName, url } = callFrame;
  if (functionName === IDLE) return IDLE;
  const frame = `${functionName} ${url}`;
  return PARTS.find(([, frames]) => frames.test(frame))?.[0];
}
