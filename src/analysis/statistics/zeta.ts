/**
 * ζ(s) - 1, Riemann's zeta function without its first term.
 *
 * @param s - from 1.1 up; relative error below 1e-14 of ζ(s)
 * Source: Euler-Maclaurin summation after 12 terms, DLMF 25.2.9.
 */
export function zetaMinusOne(s: number): number {
  const n = 12;
  let sum = 0;
  for (let i = n - 1; i >= 2; i--) sum += i ** -s;
  let term = (s * n ** (-s - 1)) / 12;
  let tail = n ** (1 - s) / (s - 1) + n ** -s / 2 + term;
  const ratios = [-1 / 60, -1 / 42, -1 / 40, -5 / 198];
  for (let j = 0; j < ratios.length; j++) {
    term *= (ratios[j] as number) * ((s + 2 * j + 1) * (s + 2 * j + 2)) * n ** -2;
    tail += term;
  }
  return sum + tail;
}
