/**
 * A mirror's reader of wire version 1 as it was first released, written down apart from the code: never changed.
 * It knows no field that came later, and takes no message that lacks one of its own.
 */
export interface FrozenMessage {
  readonly type: 'hello' | 'exchange' | 'ledger' | 'farewell';
  readonly fields: Readonly<Record<string, unknown>>;
}

const TYPES = { 1: 'hello', 2: 'exchange', 3: 'ledger', 4: 'farewell' } as const;

/** @throws {Error} where such a mirror would have ended the connection */
export function readFrozenV1(bytes: Buffer): FrozenMessage[] {
  const messages: FrozenMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const type = TYPES[bytes[at + 4] as keyof typeof TYPES];
    const payload = bytes.subarray(at + 5, at + 4 + length);
    if (type === undefined || payload.length !== length - 1) throw new Error(`message at ${at}`);
    const fields = type === 'exchange' ? exchangeOf(payload) : reportOf(payload, type === 'hello');
    messages.push({ type, fields });
    at += 4 + length;
  }
  return messages;
}

function exchangeOf(p: Buffer): Record<string, unknown> {
  const [requestBytes, answerBytes, routeBytes] = [
    p.readUInt32LE(68),
    p.readUInt32LE(72),
    p.readUInt16LE(76),
  ];
  const requestAt = 80 + routeBytes;
  if (p.length !== requestAt + requestBytes + answerBytes)
    throw new Error('lengths of an exchange');
  return {
    seq: p.readDoubleLE(0),
    number: p.readDoubleLE(8),
    u: p.readDoubleLE(16),
    rate: p.readDoubleLE(24),
    startMs: p.readDoubleLE(32),
    firstByteMs: p.readDoubleLE(40),
    endMs: p.readDoubleLE(48),
    wallMs: p.readDoubleLE(56),
    settingsVersion: p.readUInt32LE(64),
    flags: p.readUInt16LE(78),
    route: p.toString('utf8', 80, requestAt),
    request: p.toString('latin1', requestAt, requestAt + requestBytes),
    answer: p.toString('latin1', requestAt + requestBytes),
  };
}

const STATES = ['seen', 'ineligible', 'paused', 'not_selected', 'refused', 'incumbent_unreachable'];
STATES.push('incumbent_abort', 'client_abort', 'shed', 'offered');
const CLASSES = ['', 'le_1k', 'le_16k', 'le_256k', 'gt_256k'];

function reportOf(payload: Buffer, isHello: boolean): Record<string, unknown> {
  const value = JSON.parse(payload.toString('utf8')) as Record<string, unknown>;
  const { version, instance, epoch, pid, nextSeq, cells } = value;
  if (isHello && version !== 1) throw new Error(`version ${String(version)}`);
  if (isHello && (typeof instance !== 'string' || typeof epoch !== 'string' || !isCount(pid))) {
    throw new Error('a hello');
  }
  if (!isCount(nextSeq) || !Array.isArray(cells)) throw new Error('a report');
  const read = cells.map(({ route, hour, sizeClass, state, reason, count }) => {
    const isText = typeof route === 'string' && typeof reason === 'string';
    const isKnown = STATES.includes(state) && CLASSES.includes(sizeClass);
    if (!isText || !isKnown || !isCount(hour) || !isCount(count)) throw new Error('a cell');
    return { route, hour, sizeClass, state, reason, count };
  });
  return { ...(isHello ? { version, instance, epoch, pid } : {}), nextSeq, cells: read };
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
