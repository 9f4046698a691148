import { describe, expect, it, onTestFinished } from 'vitest';
import { monotonicMs } from '../../src/telemetry/clock.ts';
import { watchLoopDelay } from '../../src/telemetry/loop-delay.ts';

function blockFor(ms: number): void {
  const end = monotonicMs() + ms;
  while (monotonicMs() < end);
}

describe('watchLoopDelay', () => {
  it('reports a stall that has just ended, once', () => {
    const delay = watchLoopDelay();
    onTestFinished(() => delay.stop());
    blockFor(150);
    expect(delay.takeMaxMs()).toBeGreaterThan(100);
    expect(delay.recentMaxMs()).toBeGreaterThan(100);
  });

  it('forgets a stall that was taken, but not for the other readers', async () => {
    const delay = watchLoopDelay();
    onTestFinished(() => delay.stop());
    blockFor(300);
    delay.takeMaxMs();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(delay.takeMaxMs()).toBeLessThan(200);
    expect(delay.recentMaxMs()).toBeGreaterThan(250);
  });
});
