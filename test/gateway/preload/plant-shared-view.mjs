// Plants the bug that shared-read.ts must not have: a view of the shared read buffer is passed on.
import { registerHooks } from 'node:module';

const COPY = /function copyOfRead\(length(?:: number)?\)(?:: Buffer)? \{[^}]*\}/;
const VIEW = 'function copyOfRead(length) { return shared.subarray(0, length); }';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/gateway/shared-read.ts')) return loaded;
    const source = String(loaded.source);
    if (!COPY.test(source)) throw new Error('the place for the planted bug is gone');
    return { ...loaded, source: source.replace(COPY, VIEW) };
  },
});
