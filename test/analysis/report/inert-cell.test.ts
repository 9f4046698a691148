import { expect, it } from 'vitest';
import { toInertCell } from '../../../src/analysis/report/inert-cell.ts';

it.each(['=1+1', '+1+1', '-2+3', '@SUM(A1)', "-1|cmd'!A0", '\t=1', ' =1', '-', '+x', '-1 %+1'])(
  'puts an apostrophe before %j, which a spreadsheet would compute',
  (text) => {
    expect(toInertCell(text)).toBe(`'${text}`);
  },
);

it.each(['', 'good', '-0.5', '+1,200 ms', '-3.1 %', '−0.5', '1=1', '-1e-9', 'a=b', '–'])(
  'leaves %j as it is',
  (text) => {
    expect(toInertCell(text)).toBe(text);
  },
);
