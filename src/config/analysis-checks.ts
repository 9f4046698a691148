/** What no single key of the analysis can say. Works on the value as it was read, as cross-checks.ts. */
import { ANALYSIS_PROFILES } from './analysis-defaults.ts';
import type { Finding } from './cross-checks.ts';

type Record = Readonly<{ [key: string]: unknown }>;

/** @param value - the file's value, of any shape */
export function analysisFindings(value: unknown): Finding[] {
  const file = recordOf(value);
  const analysis = recordOf(file.analysis);
  const captured = listOf(file.routes).map((route) => listOf(recordOf(route).capture));
  return [
    ...repeatedSegments(analysis),
    ...uncaptured(analysis, captured),
    ...oddTimes(analysis),
    ...oddGates(analysis),
  ];
}

function repeatedSegments(analysis: Record): Finding[] {
  const names = listOf(analysis.segments).map((segment) => recordOf(segment).name);
  return names.flatMap((name, i) => {
    if (name === undefined || names.indexOf(name) === i) return [];
    const path = ['analysis', 'segments', i, 'name'];
    return [{ path, value: name, expected: 'a name that is used once' }];
  });
}

/** A segment that a route does not capture would silently be empty there. */
function uncaptured(analysis: Record, captured: readonly (readonly unknown[])[]): Finding[] {
  const pointers = [
    ...listOf(analysis.segments).map((segment, i) => ({
      path: ['analysis', 'segments', i, 'pointer'],
      value: recordOf(segment).pointer,
    })),
    ...listOf(analysis.discover).map((value, i) => ({ path: ['analysis', 'discover', i], value })),
  ];
  return pointers
    .filter(({ value }) => typeof value === 'string')
    .filter(({ value }) => captured.some((route) => !route.includes(value)))
    .map((found) => ({ ...found, expected: 'a pointer that stands in capture of every route' }));
}

function oddTimes(analysis: Record): Finding[] {
  const profile = ANALYSIS_PROFILES[analysis.profile === 'demo' ? 'demo' : 'production'];
  const { cutMs, windowMs } = { ...profile, ...analysis };
  if (typeof cutMs !== 'number' || typeof windowMs !== 'number') return [];
  if (windowMs % cutMs === 0) return [];
  const expected = `a multiple of cutMs, which is ${cutMs}`;
  return [{ path: ['analysis', 'windowMs'], value: windowMs, expected }];
}

function oddGates(analysis: Record): Finding[] {
  const profile = ANALYSIS_PROFILES[analysis.profile === 'demo' ? 'demo' : 'production'];
  const gates: Record = { ...profile.gates, ...recordOf(analysis.gates) };
  const found: Finding[] = [];
  for (const [low, high] of [
    ['minDurationMs', 'maxDurationMs'],
    ['validCoverage', 'passCoverage'],
  ] as const) {
    const { [low]: least, [high]: most } = gates;
    if (typeof least !== 'number' || typeof most !== 'number' || least <= most) continue;
    const expected = `at most ${high}, which is ${most}`;
    found.push({ path: ['analysis', 'gates', low], value: least, expected });
  }
  return found;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Record {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
