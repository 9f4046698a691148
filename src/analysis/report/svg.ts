/** Plots as SVG text: axes with units, a title that screen readers tell, colours by class. Pure. */
import { number } from './numbers.ts';

export interface Axis {
  readonly label: string;
  readonly from: number;
  /** Above `from`; of a logarithmic axis both are above 0. */
  readonly to: number;
  readonly isLog?: boolean;
}

export interface Chart {
  readonly title: string;
  /** What it shows, for those who do not see it. */
  readonly alt: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly marks: readonly Mark[];
  /** Class and name of what has a colour. */
  readonly legend?: readonly (readonly [name: Colour, text: string])[];
}

/** Colours are named in page-style.ts. */
export type Colour = 'ours' | 'theirs' | 'limit' | 'line';

type Point = readonly [x: number, y: number];

export type Mark =
  | {
      readonly type: 'line' | 'steps' | 'dots';
      readonly colour: Colour;
      readonly points: readonly Point[];
    }
  | { readonly type: 'band'; readonly low: readonly Point[]; readonly high: readonly Point[] }
  | {
      readonly type: 'bars';
      readonly colour: Colour;
      readonly width: number;
      readonly points: readonly Point[];
    };

const WIDTH = 560;
const HEIGHT = 300;
const BOX = { left: 66, right: 546, top: 16, bottom: 246 } as const;

export function toSvg(chart: Chart): string {
  const { title, alt, x, y, marks, legend = [] } = chart;
  const at: Scale = { x: toScale(x, BOX.left, BOX.right), y: toScale(y, BOX.bottom, BOX.top) };
  const texts = legend.map(([colour, text], i) => {
    const left = BOX.left + 8 + i * 150;
    return `<rect class="fill-${colour}" x="${left}" y="286" width="10" height="10"/><text x="${left + 16}" y="295">${escapeXml(text)}</text>`;
  });
  return [
    `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(`${title}. ${alt}`)}">`,
    `<title>${escapeXml(`${title}. ${alt}`)}</title>`,
    ...ticksOf(x).map((tick) => xTick(at.x(tick), number(tick))),
    ...ticksOf(y).map((tick) => yTick(at.y(tick), number(tick))),
    `<text class="name" x="${(BOX.left + BOX.right) / 2}" y="278" text-anchor="middle">${escapeXml(x.label)}</text>`,
    `<text class="name" transform="translate(14 ${(BOX.top + BOX.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(y.label)}</text>`,
    ...marks.map((mark) => draw(mark, at)),
    ...texts,
    `</svg><figcaption>${escapeXml(title)}</figcaption></figure>`,
  ].join('');
}

/** For text and attributes of HTML and SVG; what no document may hold is replaced. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

/** Values outside the axis are drawn at its end. */
function toScale(
  { from, to, isLog = false }: Axis,
  start: number,
  end: number,
): (v: number) => number {
  const place = (value: number): number => (isLog ? Math.log(value) : value);
  return (value) => {
    const inside = Math.min(to, Math.max(from, value));
    const share = (place(inside) - place(from)) / (place(to) - place(from));
    return Math.round((start + share * (end - start)) * 10) / 10;
  };
}

/** Four to nine round numbers: 1, 2, 5 times a power of ten. */
function ticksOf({ from, to, isLog = false }: Axis): number[] {
  const ticks: number[] = [];
  if (isLog) {
    const isWide = to / from > 1e3;
    for (let power = Math.floor(Math.log10(from)); 10 ** power <= to; power++) {
      for (const digit of isWide ? [1] : [1, 2, 5]) ticks.push(digit * 10 ** power);
    }
  } else {
    const rough = (to - from) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10) * power;
    for (let i = Math.ceil(from / step); i * step <= to * (1 + 1e-9); i++) ticks.push(i * step);
  }
  return ticks.filter((tick) => tick >= from && tick <= to * (1 + 1e-9));
}

function xTick(x: number, text: string): string {
  return `<path class="grid" d="M${x} ${BOX.top}V${BOX.bottom}"/><text x="${x}" y="${BOX.bottom + 15}" text-anchor="middle">${text}</text>`;
}

function yTick(y: number, text: string): string {
  return `<path class="grid" d="M${BOX.left} ${y}H${BOX.right}"/><text x="${BOX.left - 6}" y="${y + 4}" text-anchor="end">${text}</text>`;
}

function draw(mark: Mark, at: Scale): string {
  const place = ([x, y]: Point): string => `${at.x(x)} ${at.y(y)}`;
  switch (mark.type) {
    case 'line':
      return `<path class="line-${mark.colour}" d="M${mark.points.map(place).join('L')}"/>`;
    case 'steps': {
      const path = mark.points.map(([x, y]) => `H${at.x(x)}V${at.y(y)}`).join('');
      return `<path class="line-${mark.colour}" d="M${BOX.left} ${BOX.bottom}${path}H${BOX.right}"/>`;
    }
    case 'dots': {
      const dots = mark.points.map(([x, y]) => `M${at.x(x)} ${at.y(y)}h0`).join('');
      return `<path class="dots-${mark.colour}" d="${dots}"/>`;
    }
    case 'band': {
      const around = [...mark.low, ...mark.high.toReversed()].map(place).join('L');
      return `<path class="band" d="M${around}Z"/>`;
    }
    case 'bars': {
      const half = mark.width / 2;
      const bars = mark.points.map(([x, y]) => {
        return `M${at.x(x - half)} ${BOX.bottom}V${at.y(y)}H${at.x(x + half)}V${BOX.bottom}Z`;
      });
      return `<path class="fill-${mark.colour}" d="${bars.join('')}"/>`;
    }
  }
}
