import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

describe('docs/statistics.md', () => {
  const text = readFileSync('docs/statistics.md', 'utf8');
  const rooms = ['src/analysis/statistics', 'src/analysis/sketches'];

  it('names each file of statistics/ and sketches/', () => {
    const files = rooms.flatMap((room) => readdirSync(room));
    expect(files.filter((file) => !text.includes(`\`${file}\``))).toEqual([]);
  });

  it('shows plots and results that are there', () => {
    const linked = Array.from(text.matchAll(/\]\((plots\/[^)]+)\)/g), (m) => m[1] ?? '');
    expect(linked.length).toBeGreaterThan(3);
    expect(linked.filter((path) => !existsSync(`docs/${path}`))).toEqual([]);
  });

  it('says what the last whole run of the simulations has found', () => {
    interface Found {
      readonly title: string;
      readonly falsePass: number;
      readonly falseFail: number;
    }
    const { errors, outcomes } = JSON.parse(
      readFileSync('docs/plots/simulations.json', 'utf8'),
    ) as { errors: Found[]; outcomes: Found[] };
    const shown = (share: number): string => (100 * share).toFixed(1);
    const missing = [...errors, ...outcomes].filter(
      ({ title, falsePass, falseFail }) =>
        !text.includes(`| ${title} | ${shown(falsePass)} / ${shown(falseFail)} |`),
    );
    expect(missing.map(({ title }) => title)).toEqual([]);
  });
});
