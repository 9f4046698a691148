import { describe, expect, it } from 'vitest';
import { parseExposition } from './exposition.ts';

const head = (name: string, type: string) => `# HELP ${name} Text.\n# TYPE ${name} ${type}\n`;
const histogram = (lines: string) => `${head('h', 'histogram')}${lines}`;

describe('the strict reader of the text format', () => {
  it('reads what is right', () => {
    const text = `${head('a_total', 'counter')}a_total{x="1",y="\\"\\\\\\n"} 5\na_total 1e+21\n`;
    expect(parseExposition(text).get('a_total')?.samples.size).toBe(2);
  });

  it.each([
    ['no end of line', `${head('a', 'gauge')}a 1`],
    ['a sample without a family', 'a 1\n'],
    ['a type without a help', '# TYPE a gauge\na 1\n'],
    ['a family twice', `${head('a', 'gauge')}a 1\n${head('a', 'gauge')}a 2\n`],
    ['a sample of another family', `${head('a', 'gauge')}b 1\n`],
    ['a sample twice', `${head('a', 'gauge')}a{x="1",y="2"} 1\na{y="2",x="1"} 1\n`],
    ['a label twice', `${head('a', 'gauge')}a{x="1",x="2"} 1\n`],
    ['a comma too many', `${head('a', 'gauge')}a{x="1",} 1\n`],
    ['a quote that is not escaped', `${head('a', 'gauge')}a{x="1"2"} 1\n`],
    ['no number', `${head('a', 'gauge')}a undefined\n`],
    ['NaN', `${head('a', 'gauge')}a NaN\n`],
    ['an empty family', head('a', 'gauge')],
    ['a counter without _total', `${head('a', 'counter')}a 1\n`],
    ['a negative counter', `${head('a_total', 'counter')}a_total -1\n`],
    ['no +Inf', histogram('h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n')],
    [
      'buckets that fall',
      histogram('h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n'),
    ],
    [
      'buckets out of order',
      histogram(
        'h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
      ),
    ],
    ['another count', histogram('h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n')],
    ['no sum', histogram('h_bucket{le="+Inf"} 1\nh_count 1\n')],
  ])('refuses %s', (_, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
