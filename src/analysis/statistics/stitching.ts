/** Stitched boundaries: closed forms with the rate of the law of the iterated logarithm. */
import { requireOpenUnit, requirePositive, requireWithin } from './domain.ts';
import { zetaMinusOne } from './zeta.ts';

/** How error is spread over epochs, and their ratio: the defaults of confseq. */
const S = 1.4;
const ETA = 2;
const K1 = (ETA ** 0.25 + ETA ** -0.25) / Math.SQRT2;
const K2 = (Math.sqrt(ETA) + 1) / 2;
const ZETA = zetaMinusOne(S) + 1;

/**
 * Polynomial stitched bound of a sub-gamma process.
 *
 * @param v - intrinsic time ≥ 0
 * @param alpha - one-sided level in (0, 1)
 * @param options.vMin - intrinsic time from which it is tight, > 0
 * @param options.c - scale; 0 is sub-Gaussian
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard, Ramdas, McAuliffe, Sekhon 2021, Thm 1; s 1.4, η 2.
 */
export function polynomialStitching(
  v: number,
  alpha: number,
  { vMin, c }: { readonly vMin: number; readonly c: number },
): number {
  requireWithin('v', v, [0, Number.MAX_VALUE]);
  requireOpenUnit('alpha', alpha);
  requirePositive('vMin', vMin);
  const used = Math.max(v, vMin);
  const spread = Math.log(ZETA / Math.log(ETA) ** S) - Math.log(alpha);
  const ell = S * Math.log(Math.log((ETA * used) / vMin)) + spread;
  const linear = K2 * c * ell;
  return Math.sqrt(K1 * K1 * used * ell + linear * linear) + linear;
}

/**
 * Double stitching: radius, in counts, that holds for all quantiles and all times at once.
 *
 * @param p - quantile in (0, 1)
 * @param t - observations ≥ 1
 * @param options.alpha - level in (0, 1)
 * @param options.tOpt - time from which it is tight, ≥ 1
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard & Ramdas 2022, "Sequential estimation of quantiles", Thm 3; δ 0.5, s 1.4, η 2.
 */
export function doubleStitching(
  p: number,
  t: number,
  { alpha, tOpt }: { readonly alpha: number; readonly tOpt: number },
): number {
  requireOpenUnit('p', p);
  requireOpenUnit('alpha', alpha);
  requireWithin('tOpt', tOpt, [1, Number.MAX_VALUE]);
  const grid = 0.5;
  const time = Math.max(t, tOpt);
  const logit = Math.log(p / (1 - p));
  const step = 2 * grid * Math.sqrt((tOpt * ETA) / time);
  const r = p >= 0.5 ? p : Math.min(0.5, 1 / (1 + Math.exp(-(logit + step))));
  const variance = r * (1 - r);
  const j = (Math.sqrt(time / tOpt) * Math.abs(logit)) / (2 * grid) + 1;
  const spread = Math.log((2 * ZETA * (2 * ZETA + 1)) / (alpha * Math.log(ETA) ** S));
  const ell = S * Math.log(Math.log((ETA * time) / tOpt)) + S * Math.log(j) + spread;
  const linear = (K2 * (1 - 2 * p) * ell) / 3;
  const root = Math.sqrt(K1 * K1 * variance * time * ell + linear * linear);
  return grid * Math.sqrt((ETA * time * variance) / tOpt) + root + linear;
}
