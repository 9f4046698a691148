import { describe, expect, test } from 'vitest';
import { type Books, unsettled } from '../../src/demo/books.ts';
import type { ExchangeCell } from '../../src/wire/exchange-ledger.ts';

interface Figures {
  readonly open?: number;
  readonly offered?: number;
  readonly received?: number;
  readonly inFlight?: number;
  readonly pendingBytes?: number;
  readonly lag?: number;
  readonly committed?: number;
}

/** Books of one gateway and one candidate, as far as they are read here. */
function booksOf(figures: Figures): Books {
  const cell = (state: ExchangeCell['state'], count: number): ExchangeCell => ({
    route: 'score',
    hour: 1,
    sizeClass: 'le_1k',
    state,
    reason: '',
    count,
  });
  const { offered = 0 } = figures;
  const books = {
    gateway: {
      epoch: 'e',
      open: figures.open ?? 0,
      cells: [cell('offered', offered)],
    },
    mirror: {
      epochs: [{ epoch: 'e', offered, received: figures.received ?? offered }],
      legsInFlight: figures.inFlight ?? 0,
      recorder: {
        pendingBytes: figures.pendingBytes ?? 0,
        committedPairs: figures.committed ?? 0,
        publisher:
          figures.lag === undefined ? null : { lag: figures.lag, published: 0, deadLetters: 0 },
      },
    },
  };
  // The statuses hold much more than is read here.
  return books as unknown as Books;
}

describe('books of a demo', () => {
  test('are quiet when nothing is under way', () => {
    expect(unsettled(booksOf({ offered: 5, lag: 0 }), true)).toEqual([]);
  });

  test.each<[Figures, string]>([
    [{ open: 1 }, '1 exchanges open at the gateway'],
    [{ offered: 3, received: 1 }, '2 copies on their way to the mirror'],
    [{ inFlight: 4 }, '4 copies in flight'],
    [{ pendingBytes: 99 }, '99 bytes not yet on disk'],
    [{ lag: 7 }, '7 pairs not yet acknowledged by Kafka'],
    // The recorder has heard of acknowledgements that the publisher has not told of yet.
    [{ lag: 0, committed: 3 }, '3 pairs not yet acknowledged by Kafka'],
  ])('%j are not quiet', (figures, expected) => {
    expect(unsettled(booksOf(figures), true)).toEqual([expected]);
  });

  test('a broker that is not asked for is not waited for', () => {
    expect(unsettled(booksOf({ lag: 7 }), false)).toEqual([]);
  });
});
