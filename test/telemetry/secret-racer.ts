/** Reads 40 selection secrets, one folder after another, as soon as it is told to. Argument: folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readSelectionSecret } from '../../src/telemetry/selection-secret.ts';

const config = {
  mirror: { ...DEFAULTS.mirror, selectionSecretFile: '' },
};
const base = process.argv[2] ?? '';
process.once('message', () => {
  const secrets = Array.from({ length: 40 }, (_, round) => {
    const path = join(base, String(round));
    mkdirSync(path, { recursive: true });
    return readSelectionSecret(config, runFolder(path));
  });
  process.send?.(secrets, () => process.disconnect());
});
process.send?.('ready');
