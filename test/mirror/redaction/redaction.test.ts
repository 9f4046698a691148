import { createHmac } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/config/defaults.ts';
import type { RouteRedactionConfig } from '../../../src/config/types.ts';
import { HmacKeys, readHmacKey, toHmac } from '../../../src/mirror/redaction/hmac-keys.ts';
import { compileRedaction } from '../../../src/mirror/redaction/redaction.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const KEY = { id: '2026-11', key: Buffer.from('a key of sixteen bytes or more') };
const NONE: RouteRedactionConfig = { request: [], answers: [], query: [] };

function compile(redact: Partial<RouteRedactionConfig>, current: typeof KEY | null = KEY) {
  const redaction = compileRedaction({ redact: { ...NONE, ...redact } }, { current });
  if (redaction === null) throw new Error('nothing to do');
  return redaction;
}

const mac = (text: string, key = KEY.key) =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, 32);

describe('compileRedaction', () => {
  it('is nothing where nothing is hidden', () => {
    expect(compileRedaction({ redact: NONE }, { current: KEY })).toBeNull();
  });

  it('sends to candidates what they need, and records none of it', () => {
    const { sent, recorded } = compile({
      request: [
        { pointer: '/name', action: 'drop', from: 'all' },
        { pointer: '/income', action: 'mask', from: 'record' },
      ],
    });
    const body = '{"name":"Ann","income":1200,"term":36}';
    expect(sent?.(body)).toBe('{"income":1200,"term":36}');
    expect(recorded?.(body)).toBe('{"income":"***","term":36}');
  });

  it('hides from records by the same pass where it hides no more from them', () => {
    const rule = { pointer: '/name', action: 'drop', from: 'all' } as const;
    const same = compile({ request: [rule] });
    expect(same.recorded).toBe(same.sent);
    const more = compile({ request: [rule, { ...rule, pointer: '/id', from: 'record' }] });
    expect(more.recorded).not.toBe(more.sent);
  });

  it('hashes a value as it means, strings however they are escaped, numbers as written', () => {
    const { sent } = compile({ request: [{ pointer: '/*', action: 'hmac', from: 'all' }] });
    const body = '{"a":"\\u00e9","b":"é","c":12345678901234567890,"d":true,"e":["x", 1]}';
    const texts = ['é', 'é', '12345678901234567890', 'true', '["x", 1]'];
    const values = Object.values(JSON.parse(sent?.(body) ?? ''));
    expect(values).toEqual(texts.map((text) => `hmac:2026-11:${mac(text)}`));
  });

  it('masks a string that not every reader takes for one', () => {
    const { sent } = compile({ request: [{ pointer: '/a', action: 'hmac', from: 'all' }] });
    expect(sent?.('{"a":"\\q"}')).toBe('{"a":"***"}');
  });

  it('hides parameters by name', () => {
    const { query } = compile({
      query: [
        { name: 'IBAN', action: 'hmac' },
        { name: 'name', action: 'drop' },
      ],
    });
    expect(query?.get('iban')?.('DE 1')).toBe(`hmac:2026-11:${mac('DE 1')}`);
    expect(query?.get('name')?.('Ann')).toBeNull();
  });

  it('takes the first of two rules for one parameter, as of two for one place', () => {
    const { query } = compile({
      query: [
        { name: 'c', action: 'drop' },
        { name: 'C', action: 'mask' },
      ],
    });
    expect(query?.get('c')?.('x')).toBeNull();
  });

  it('is not ready while a key is missing that it needs, and only then', () => {
    expect(compile({ answers: [{ pointer: '/a', action: 'hmac' }] }, null).isReady).toBe(false);
    expect(compile({ answers: [{ pointer: '/a', action: 'mask' }] }, null).isReady).toBe(true);
  });

  it('says the key in each value: before and after a rotation values can be told apart and joined', () => {
    let current: typeof KEY = KEY;
    const redaction = compileRedaction(
      { redact: { ...NONE, request: [{ pointer: '/id', action: 'hmac', from: 'all' }] } },
      {
        get current() {
          return current;
        },
      },
    );
    const before = redaction?.sent?.('{"id":"c-1"}');
    current = { id: '2027-01', key: Buffer.from('another key of many bytes') };
    const after = redaction?.sent?.('{"id":"c-1"}');
    expect(JSON.parse(before ?? '').id).toBe(toHmac(KEY, 'c-1'));
    expect(JSON.parse(after ?? '').id).toBe(toHmac(current, 'c-1'));
    expect(JSON.parse(after ?? '').id).toMatch(/^hmac:2027-01:[0-9a-f]{32}$/);
  });
});

describe('HmacKeys', () => {
  const log = () => {
    const lines: unknown[] = [];
    return {
      lines,
      warn: (message: string, fields?: object) => lines.push({ message, ...fields }),
    };
  };

  it('reads the first key, without the line end of its file', () => {
    const file = join(tempFolder(), 'key');
    writeFileSync(file, `${KEY.key}\r\n`);
    expect(readHmacKey(file)).toEqual(KEY.key);
    const keys = new HmacKeys([{ id: 'a', file }], log());
    expect(keys.current).toEqual({ id: 'a', key: KEY.key });
  });

  it.each([
    ['', 'expected'],
    ['short', 'expected'],
    ['x'.repeat(LIMITS.hmacKeyBytesMax + 1), 'bytes'],
  ])('refuses a key of %j', (text, reason) => {
    const file = join(tempFolder(), 'key');
    writeFileSync(file, text);
    expect(() => readHmacKey(file)).toThrow(reason);
  });

  it('waits for a file that is missing, says so once, and keeps a key that has been read', async () => {
    const file = join(tempFolder(), 'key');
    const told = log();
    const keys = new HmacKeys([{ id: 'a', file }], told);
    expect(keys.current).toBeNull();
    expect(told.lines).toMatchObject([{ code: 'UND_HMAC_KEY', key: 'a' }]);
    writeFileSync(file, KEY.key);
    await until('the key is read', () => keys.current !== null);
    rmSync(file);
    expect(keys.current?.key).toEqual(KEY.key);
    expect(told.lines).toHaveLength(1);
  });
});
