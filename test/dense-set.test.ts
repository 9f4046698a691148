import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DenseSet, type Placed } from '../src/dense-set.ts';

test('DenseSet holds what a Set would, whatever is added and deleted', () => {
  const steps = fc.array(fc.nat({ max: 20 }), { size: 'max', maxLength: 200 });
  fc.assert(
    fc.property(steps, (picks) => {
      const members: Placed[] = Array.from({ length: 21 }, () => ({ place: -1 }));
      const dense = new DenseSet<Placed>();
      const model = new Set<Placed>();
      for (const pick of picks) {
        const member = members[pick] as Placed;
        if (model.has(member)) {
          expect(dense.delete(member)).toBe(true);
          expect(dense.delete(member)).toBe(false);
          model.delete(member);
        } else {
          dense.add(member);
          model.add(member);
        }
        expect(new Set(dense.members())).toEqual(model);
        expect(dense.size).toBe(model.size);
        for (const each of members) expect(each.place >= 0).toBe(model.has(each));
      }
    }),
    { seed: 20261126, numRuns: 100 },
  );
});

test('members deleted while they are gone through are gone through all the same', () => {
  const dense = new DenseSet<Placed>();
  for (let i = 0; i < 5; i += 1) dense.add({ place: -1 });
  let seen = 0;
  for (const member of dense.members()) {
    dense.delete(member);
    seen += 1;
  }
  expect([seen, dense.size]).toEqual([5, 0]);
});

test('a member of another set is not deleted', () => {
  const [one, other] = [new DenseSet<Placed>(), new DenseSet<Placed>()];
  const [a, b] = [{ place: -1 }, { place: -1 }];
  one.add(a);
  other.add(b);
  expect(one.delete(b)).toBe(false);
  expect([one.size, other.size]).toEqual([1, 1]);
});
