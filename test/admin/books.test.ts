import { describe, expect, it, onTestFinished } from 'vitest';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { serveStatus } from '../../src/telemetry/status-socket.ts';
import { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { epochLedger, gatewayStatus, mirrorStatus } from './statuses.ts';

const leg = { epoch: 'e1', candidate: 'v7', route: 'score', hour: 1, sizeClass: 'le_1k' };

async function instance() {
  const exchanges = new ExchangeLedger(48);
  const legs = new LegLedger();
  for (let i = 0; i < 5; i++) {
    exchanges.see('score', 1);
    exchanges.settle({
      route: 'score',
      hour: 1,
      sizeClass: 'le_1k',
      state: 'offered',
      reason: '',
    });
    legs.open(leg);
  }
  const folder = runFolder(tempFolder());
  const quiet = mirrorStatus(legs, []).recorder;
  const servers = await Promise.all([
    serveStatus(folder.statusSocket('gw0'), {
      status: () => ({
        ...gatewayStatus('e1', exchanges),
        wire: { connected: true, state: 'up', queuedBytes: 0, maxWireBytes: 1 },
      }),
    }),
    serveStatus(folder.statusSocket('mirror'), {
      status: () =>
        mirrorStatus(legs, [epochLedger('e1', exchanges)], {
          recorder: { ...quiet, pendingBytes: legs.inFlight },
        }),
    }),
  ]);
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.close()));
  });
  return { folder, legs };
}

describe('expectBooksToBalance', () => {
  it('waits until nothing is in flight, then finds every sum exact', async () => {
    const { folder, legs } = await instance();
    const waiting = expectBooksToBalance(folder.path);
    setTimeout(() => {
      for (let i = 0; i < 5; i++) legs.settle(leg, 'paired', '');
    }, 300);
    const waterfall = await waiting;
    expect(waterfall.candidates[0]).toMatchObject({ offered: 5, open: 0, coverage: 1 });
  });

  it('fails when a leg is left over, or counted twice', async () => {
    const { folder, legs } = await instance();
    for (let i = 0; i < 4; i++) legs.settle(leg, 'paired', '');
    await expect(expectBooksToBalance(folder.path, { timeoutMs: 400 })).rejects.toThrow(
      'legs open',
    );
    for (let i = 0; i < 2; i++) legs.settle(leg, 'paired', '');
    await expect(expectBooksToBalance(folder.path, { timeoutMs: 400 })).rejects.toThrow();
  });

  it('fails when nobody answers', async () => {
    await expect(expectBooksToBalance(tempFolder(), { timeoutMs: 200 })).rejects.toThrow(
      'do not answer',
    );
  });
});
