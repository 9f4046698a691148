/** Normal distribution: function and quantile. */
import { requireFinite, requireOpenUnit } from './domain.ts';
import { logIncompleteGammaUpper } from './incomplete-gamma.ts';

const LOG_HALF = Math.log(0.5);

/**
 * ln P(N(0, 1) > z).
 *
 * @param z - finite; no underflow in the tail. Relative error below 1e-13
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: DLMF 7.11.2: erfc(z) = Q(1/2, z²).
 */
export function logNormalUpper(z: number): number {
  requireFinite('z', z);
  if (z >= 0) return LOG_HALF + logIncompleteGammaUpper(0.5, 0.5 * z * z);
  return Math.log1p(-0.5 * Math.exp(logIncompleteGammaUpper(0.5, 0.5 * z * z)));
}

/** P(N(0, 1) ≤ z). @param z - finite @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function normalCdf(z: number): number {
  return Math.exp(logNormalUpper(-z));
}

/** p-value of a two-sided test: P(|N(0, 1)| > |z|). @param z - finite */
export function normalTwoSided(z: number): number {
  requireFinite('z', z);
  return Math.exp(logIncompleteGammaUpper(0.5, 0.5 * z * z));
}

/**
 * The quantile z_p: P(N(0, 1) ≤ z_p) = p.
 *
 * @param p - in (0, 1); pass small p, not 1 - p, for the far upper tail: z_(1-p) = -z_p
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Wichura 1988, algorithm AS 241 (PPND16), then one Newton step in log space.
 */
export function normalQuantile(p: number): number {
  requireOpenUnit('p', p);
  if (p === 0.5) return 0;
  const q = p - 0.5;
  const start = Math.abs(q) <= 0.425 ? central(q) : tail(p);
  const z = Math.abs(start);
  const target = Math.log(start < 0 ? p : 1 - p);
  const logUpper = logNormalUpper(z);
  const slope = Math.exp(-0.5 * z * z - logUpper) / Math.sqrt(2 * Math.PI);
  return Math.sign(start) * (z + (logUpper - target) / slope);
}

function central(q: number): number {
  const r = 0.180625 - q * q;
  return (
    (q *
      horner(
        r,
        [
          3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.693765509461,
          45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227,
        ],
      )) /
    horner(
      r,
      [
        1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597,
        39307.89580009271, 28729.085735721943, 5226.495278852854,
      ],
    )
  );
}

function tail(p: number): number {
  const root = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  const value = root <= 5 ? nearTail(root - 1.6) : farTail(root - 5);
  return p < 0.5 ? -value : value;
}

function nearTail(r: number): number {
  return (
    horner(
      r,
      [
        1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
        1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 7.745450142783414e-4,
      ],
    ) /
    horner(
      r,
      [
        1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008,
        0.015198666563616457, 5.475938084995345e-4, 1.0507500716444169e-9,
      ],
    )
  );
}

function farTail(r: number): number {
  return (
    horner(
      r,
      [
        6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487,
        0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
      ],
    ) /
    horner(
      r,
      [
        1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 7.868691311456133e-4,
        1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
      ],
    )
  );
}

/** Coefficients from the constant up. */
function horner(x: number, coefficients: readonly number[]): number {
  return coefficients.reduceRight((sum, c) => sum * x + c, 0);
}
