import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { ConfigError, type ConfigProblem } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'understudy-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MINIMAL = `listeners:
  - listen: 127.0.0.1:8080
    incumbent: http://127.0.0.1:9000
routes:
  - name: score
    path: /v1/score
candidates:
  - name: next
    url: http://127.0.0.1:9100
`;

function parse(text: string, env: Record<string, string> = {}): Config {
  return parseConfig(Buffer.from(text), '/etc/understudy/u.yaml', env);
}

/** The error that a text ends in. */
function failure(text: string | Uint8Array, env: Record<string, string> = {}): ConfigError {
  try {
    parseConfig(typeof text === 'string' ? Buffer.from(text) : text, 'u.yaml', env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

function problems(text: string | Uint8Array, env: Record<string, string> = {}): string[] {
  return failure(text, env).problems.map(
    (p: ConfigProblem) => `${p.file}:${p.line}:${p.column} ${p.path} = ${p.value} | ${p.expected}`,
  );
}

describe('a configuration', () => {
  it('of nine lines is complete and frozen', () => {
    const config = parse(MINIMAL);
    expect(config.listeners[0]).toEqual({
      name: 'main',
      address: { host: '127.0.0.1', port: 8080 },
      incumbent: { host: '127.0.0.1', port: 9000 },
      upstream: { tls: null, proxyProtocol: 'off' },
      tls: null,
      insert: DEFAULTS.listener.insert,
      proxy: null,
    });
    expect(config.candidates[0]).toMatchObject({ kind: 'http', routes: ['score'], rate: 1 });
    expect(config.kafka).toBeNull();
    expect(config.metrics.address).toEqual({ host: '127.0.0.1', port: 9902 });
    expect(config.runDir).toBe('/etc/understudy/.understudy/run');
    expect(Object.isFrozen(config.routes[0]?.prediction)).toBe(true);
  });

  it('resolves paths from its own folder', () => {
    const config = parse(
      MINIMAL.replace(
        'url: http://127.0.0.1:9100',
        'kind: onnx\n    model: m/next.onnx\n    output: p\n    inputs: [{ name: a, pointer: /a, type: float32 }]',
      ),
    );
    expect(config.candidates[0]).toMatchObject({
      model: '/etc/understudy/m/next.onnx',
      modelVersion: 'next',
      scoreColumn: 1,
    });
  });

  it('takes IPv6 addresses and Unix sockets, whose paths start at its folder', () => {
    const listeners = [
      { listen: '[::]:8080', incumbent: 'http://[fd00::1]:9000' },
      { name: 'b', listen: 'unix:run/callers.sock', incumbent: 'unix:///srv/model.sock' },
    ];
    const text = MINIMAL.replace(
      /listeners:[\s\S]*?(?=\nroutes)/,
      `listeners: ${JSON.stringify(listeners)}`,
    );
    expect(parse(text).listeners).toEqual([
      {
        name: 'main',
        address: { host: '::', port: 8080 },
        incumbent: { host: 'fd00::1', port: 9000 },
        upstream: { tls: null, proxyProtocol: 'off' },
        tls: null,
        insert: DEFAULTS.listener.insert,
        proxy: null,
      },
      {
        name: 'b',
        address: { path: '/etc/understudy/run/callers.sock' },
        incumbent: { path: '/srv/model.sock' },
        upstream: { tls: null, proxyProtocol: 'off' },
        tls: null,
        insert: DEFAULTS.listener.insert,
        proxy: null,
      },
    ]);
  });

  it('takes TLS with its files from its own folder, names in lower case', () => {
    const tls = {
      certFile: 'a.pem',
      keyFile: '/k/a.key',
      minVersion: 1.3,
      names: [
        { serverNames: ['B.Example'], certFile: 'b.pem', keyFile: 'b.key', incumbent: 'h:1' },
      ],
    };
    const text = MINIMAL.replace(
      'listen: 127.0.0.1:8080',
      `listen: 127.0.0.1:8080\n    tls: ${JSON.stringify(tls)}`,
    );
    expect(parse(text).listeners[0]?.tls).toEqual({
      certFile: '/etc/understudy/a.pem',
      keyFile: '/k/a.key',
      minVersion: '1.3',
      clientCertificates: 'off',
      clientCaFile: '',
      handshakeTimeoutMs: 10_000,
      names: [
        {
          serverNames: ['b.example'],
          certFile: '/etc/understudy/b.pem',
          keyFile: '/etc/understudy/b.key',
          incumbent: { host: 'h', port: 1 },
          upstream: { tls: null, proxyProtocol: 'off' },
        },
      ],
    });
  });

  it('takes TLS with the incumbent from https://, and its files from its own folder', () => {
    const upstream = { caFile: 'ca.pem', serverName: 'a.example', verify: false };
    const text = MINIMAL.replace(
      'http://127.0.0.1:9000',
      `https://scoring.internal\n    upstream: ${JSON.stringify(upstream)}`,
    );
    expect(parse(text).listeners[0]).toMatchObject({
      incumbent: { host: 'scoring.internal', port: 443 },
      upstream: {
        tls: {
          caFile: '/etc/understudy/ca.pem',
          serverName: 'a.example',
          certFile: '',
          keyFile: '',
          verify: false,
        },
      },
    });
    expect(problems(text.replace('https://scoring.internal', 'http://h')).join()).toContain(
      'listeners[0].upstream.caFile = ca.pem | nothing where the incumbent is not https://',
    );
    expect(problems(text.replace('caFile', 'certFile')).join()).toContain(
      'listeners[0].upstream = "" | certFile and keyFile together, or neither',
    );
  });

  it('takes TLS with a candidate from https://, and its files from its own folder', () => {
    const tls = { caFile: 'ca.pem', serverName: 'model.example' };
    const text = (url: string, keys: object): string =>
      MINIMAL.replace(/url: \S+/, `url: ${url}\n    tls: ${JSON.stringify(keys)}`);
    expect(parse(text('https://model:8443', tls)).candidates[0]).toMatchObject({
      tls: {
        caFile: '/etc/understudy/ca.pem',
        serverName: 'model.example',
        certFile: '',
        keyFile: '',
        verify: true,
      },
    });
    expect(parse(MINIMAL).candidates[0]).toMatchObject({ tls: null });
    expect(problems(text('http://model', tls)).join()).toContain(
      'candidates[0].tls.caFile = ca.pem | nothing where the candidate is not https://',
    );
    expect(problems(text('https://model', { certFile: 'cert.pem' })).join()).toContain(
      'candidates[0].tls = "" | certFile and keyFile together, or neither',
    );
  });

  it('takes PROXY headers in and out', () => {
    const keys = { proxyProtocol: 'required', proxySources: ['10.0.0.0/8', 'fd00::1'] };
    const more = Object.entries(keys).map(([k, v]) => `    ${k}: ${JSON.stringify(v)}\n`);
    const text = MINIMAL.replace(
      /( *incumbent: .*\n)/,
      `$1${more.join('')}    upstream: { proxyProtocol: v2 }\n`,
    );
    expect(parse(text).listeners[0]).toMatchObject({
      proxy: { timeoutMs: 5_000, sources: ['10.0.0.0/8', 'fd00::1'] },
      upstream: { tls: null, proxyProtocol: 'v2' },
    });
    for (const wrong of ['10.0.0.0/33', '10.0.0/8', 'fe80::1%eth0', '::/129', 'host', '::1/8/8']) {
      expect(problems(text.replace('10.0.0.0/8', wrong)).join(), wrong).toContain(
        `listeners[0].proxySources[0] = ${wrong} | a network or address`,
      );
    }
  });

  it('finds client certificates that nobody vouches for, and a name that stands twice', () => {
    const name = (serverNames: string[]) => ({ serverNames, certFile: 'b', keyFile: 'b' });
    const tls = (part: object) =>
      MINIMAL.replace(
        'listen: 127.0.0.1:8080',
        `listen: 127.0.0.1:8080\n    tls: ${JSON.stringify({ certFile: 'a', keyFile: 'a', ...part })}`,
      );
    expect(problems(tls({ clientCertificates: 'required' })).join()).toContain(
      'listeners[0].tls.clientCaFile = "" | a path: somebody vouches for client certificates',
    );
    expect(problems(tls({ clientCaFile: 'ca.pem' })).join()).toContain('or clientCertificates:');
    expect(problems(tls({ names: [name(['b', 'c']), name(['C'])] })).join()).toContain(
      'listeners[0].tls.names[1].serverNames[0] = C | a name that stands once in a listener',
    );
    expect(problems(tls({ minVersion: 1.1 })).join()).toContain('minVersion = 1.1 | 1.2 or 1.3');
    expect(problems(tls({ names: [name(['a b'])] })).join()).toContain('a host name');
  });

  it('inserts fields only where heads in doubt are refused', () => {
    const text = MINIMAL.replace(
      'listen: 127.0.0.1:8080',
      'listen: 127.0.0.1:8080\n    insert: { xForwardedFor: append, forwarded: leave }',
    );
    expect(problems(text).join()).toContain(
      'listeners[0].insert.xForwardedFor = append | leave, unless gateway.ambiguous is reject',
    );
    expect(problems(text)).toHaveLength(1);
    const rejecting = `${text}\ngateway: { ambiguous: reject }`;
    expect(parse(rejecting).listeners[0]?.insert.xForwardedFor).toBe('append');
  });

  it('refuses the path of a Unix socket that the kernel would not take', () => {
    const path = `unix:/${'p'.repeat(107)}`;
    const error = failure(MINIMAL.replace('listen: 127.0.0.1:8080', `listen: ${path}`));
    expect(error.code).toBe('UND_SOCKET_PATH_LONG');
    expect(error.message).toContain('listeners[0].listen');
  });

  it('takes null for metrics and an empty section for its defaults', () => {
    const config = parse(`${MINIMAL}metrics: null\ngateway:\nlog:\n`);
    expect(config.metrics.address).toBeNull();
    expect(config.gateway.processes).toBe(1);
  });

  it('is read from a file', () => {
    const file = join(folder, 'ok.yaml');
    writeFileSync(file, MINIMAL);
    expect(loadConfig(file, {}).dataDir).toBe(join(folder, '.understudy/data'));
  });
});

describe('a wrong configuration names file, line, column, path, value and what was expected', () => {
  const cases: [title: string, text: string | Uint8Array, expected: string[]][] = [
    [
      'an unknown key, with the nearest known one',
      `${MINIMAL}gateway:\n  procesess: 2\n`,
      ['u.yaml:11:3 gateway.procesess = 2 | a known key (did you mean processes?)'],
    ],
    [
      'an unknown key that is near to nothing',
      `${MINIMAL}log: { level: info, zebra: 1 }\n`,
      ['u.yaml:10:21 log.zebra = 1 | one of the keys level'],
    ],
    [
      'a wrong number',
      `${MINIMAL}gateway:\n  processes: 65\n`,
      ['u.yaml:11:14 gateway.processes = 65 | an integer from 1 to 64'],
    ],
    [
      'an incumbent with a path',
      MINIMAL.replace('127.0.0.1:9000', '127.0.0.1:9000/v1'),
      [
        'u.yaml:3:16 listeners[0].incumbent = http://127.0.0.1:9000/v1 | ' +
          'the address of the incumbent: http(s)://host:port, host:port or unix:path, without a path of a URL',
      ],
    ],
    [
      'a method in lower case',
      MINIMAL.replace('path: /v1/score', 'path: /v1/score\n    methods: [post]'),
      ['u.yaml:7:15 routes[0].methods[0] = post | an HTTP method in upper case'],
    ],
    [
      'a missing key, at its parent',
      MINIMAL.replace('    url: http://127.0.0.1:9100\n', ''),
      [
        'u.yaml:8:5 candidates[0].url =  | a URL: http:// or https://, host, port and perhaps a ' +
          'base path; credentials go into headers',
      ],
    ],
    [
      'a route that does not exist',
      `${MINIMAL}    routes: [scor]\n`,
      ['u.yaml:10:14 candidates[0].routes[0] = scor | the name of a route (did you mean score?)'],
    ],
    [
      'a name that is used twice',
      `${MINIMAL}  - name: next\n    url: http://h:1\n`,
      ['u.yaml:10:11 candidates[1].name = next | a name that is used once'],
    ],
    [
      'several things at once, in the order of the file',
      MINIMAL.replace('/v1/score', 'v1 score').replace('name: next', 'name: next one'),
      [
        'u.yaml:6:11 routes[0].path = v1 score | a path: /v1/score, /v1/models/{name}/score, or ' +
          '/v1/* (the rest)',
        'u.yaml:8:11 candidates[0].name = next one | a name of at most 40 letters, digits, "-" and ' +
          '"_", that begins with a letter or digit',
      ],
    ],
    [
      'prefixes that no address has, and that of a name',
      `${MINIMAL}    allowAddresses: [169.254.0.0/33, "fe80::/129", m.example/8, a/b/33, "fe80::/64"]\n`,
      ['169.254.0.0/33', 'fe80::/129', 'm.example/8', 'a/b/33'].map(
        (entry, i) =>
          `u.yaml:10:${[22, 38, 52, 65][i]} candidates[0].allowAddresses[${i}] = ${entry} | an address, ` +
          (i === 3
            ? 'a network or a host name'
            : 'a network (IPv4 up to /32, IPv6 up to /128) or a host name'),
      ),
    ],
    [
      'a header with neither value nor file',
      `${MINIMAL}    headers:\n      - name: Authorization\n`,
      ['u.yaml:11:9 candidates[0].headers[0] = {"name":"Authorization"} | either value or file'],
    ],
    [
      'a number where text is meant',
      `experiment: 7\n${MINIMAL}`,
      [
        'u.yaml:1:13 experiment = 7 | a name of the experiment: 1 to 100 letters, digits, ".", ' +
          '"_" and "-"; as text, in quotes',
      ],
    ],
    [
      'a candidate of another kind',
      MINIMAL.replace('name: next', 'kind: grpc\n    name: next'),
      ['u.yaml:8:11 candidates[0].kind = grpc | http or onnx'],
    ],
    [
      'two listeners on one address',
      `${MINIMAL}admin: { listen: 8080 }\n`,
      ['u.yaml:10:18 admin.listen = 8080 | an address other than that of listeners[0].listen'],
    ],
    [
      'a duplicate key',
      `log:\n  level: info\n  level: warn\n`,
      [expect.stringMatching(/^u.yaml:3:3 .*unique/)],
    ],
    [
      'a tab as indentation',
      `log:\n\tlevel: info\n`,
      [expect.stringMatching(/^u.yaml:2:1 .*[Tt]ab/)],
    ],
    [
      'an alias',
      `a: &x [1]\nb: *x\n`,
      [
        'u.yaml:1:7  = &x | plain keys and values, without anchors, aliases or tags',
        'u.yaml:2:4  = *x | plain keys and values, without anchors, aliases or tags',
      ],
    ],
    [
      'bytes that are not UTF-8',
      Buffer.from([0x61, 0x3a, 0x0a, 0x20, 0xff]),
      ['u.yaml:2:2  =  | text in UTF-8'],
    ],
    [
      'two documents',
      `a: 1\n---\nb: 2\n`,
      [expect.stringMatching(/^u.yaml:2:1 .*multiple documents/)],
    ],
  ];
  it.each(cases)('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('an empty file lacks what it must have', () => {
    expect(failure('').problems.map((p) => p.path)).toEqual(['listeners', 'routes', 'candidates']);
  });

  it('a file that is not there is unreadable', () => {
    const file = join(folder, 'none.yaml');
    expect(() => loadConfig(file, {})).toThrow(`${file}: expected a readable file (ENOENT`);
  });

  it('a run folder too long for its sockets has its own code', () => {
    const error = failure(`runDir: /${'x'.repeat(100)}\n${MINIMAL}`);
    expect(error.code).toBe('UND_SOCKET_PATH_LONG');
    expect(error.problems[0]).toMatchObject({ line: 1, column: 9, path: 'runDir' });
  });

  it('a file that is too large is refused before it is parsed', () => {
    const file = join(folder, 'large.yaml');
    writeFileSync(file, Buffer.alloc(3_000_000, '#'));
    expect(() => loadConfig(file, {})).toThrow('a file of at most 1048576 bytes');
  });
});

describe('the environment', () => {
  it('stands in for any key, typed as the key is', () => {
    const config = parse(MINIMAL, {
      UNDERSTUDY_GATEWAY_CONNECT_TIMEOUT_MS: '500',
      UNDERSTUDY_CANDIDATES_0_RATE: '0.25',
      UNDERSTUDY_CANDIDATES_0_PATHS: '{ /v1/score: /score }',
      UNDERSTUDY_KAFKA_BROKERS: 'a:9092, b:9092',
      UNDERSTUDY_MIRROR_ENABLED: 'false',
      UNDERSTUDY_METRICS: 'null',
      UNDERSTUDY_INSTANCE: '42',
      UNDERSTUDY_LISTENERS_1_NAME: 'b',
      UNDERSTUDY_LISTENERS_1_LISTEN: '8081',
      UNDERSTUDY_LISTENERS_1_INCUMBENT: 'h:1',
      UNDERSTUDY_EXPERIMENT: '',
    });
    expect(config.gateway.connectTimeoutMs).toBe(500);
    expect(config.candidates[0]).toMatchObject({ rate: 0.25, paths: { '/v1/score': '/score' } });
    expect(config.kafka?.brokers).toEqual(['a:9092', 'b:9092']);
    expect(config.mirror.enabled).toBe(false);
    expect(config.metrics.address).toBeNull();
    expect(config.instance).toBe('42');
    expect(config.listeners[1]?.address).toEqual({ host: '127.0.0.1', port: 8081 });
    expect(config.experiment).toBe('default');
  });

  it('is named where its value is wrong', () => {
    expect(
      problems(MINIMAL, {
        UNDERSTUDY_GATEWAY_PROCESSES: 'many',
        UNDERSTUDY_LISTENERS_7_LISTEN: '1',
      }),
    ).toEqual([
      'UNDERSTUDY_GATEWAY_PROCESSES:0:0 gateway.processes = many | an integer from 1 to 64',
      'UNDERSTUDY_LISTENERS_7_LISTEN:0:0 listeners[7].listen = 1 | the number of a list element, 0 to 1',
    ]);
  });

  it('has no unknown key, but what is not a key and what Kubernetes sets', () => {
    const kubernetes = {
      UNDERSTUDY_SERVICE_HOST: '10.0.0.1',
      UNDERSTUDY_PORT_8080_TCP_ADDR: '10.0.0.1',
      UNDERSTUDY_GATEWAY_SERVICE_PORT_HTTP: '80',
      UNDERSTUDY_RUN: '/run/u',
    };
    expect(() => parse(MINIMAL, kubernetes)).not.toThrow();
    expect(problems(MINIMAL, { UNDERSTUDY_GATEWAY_PROCESES: '2' })).toEqual([
      'UNDERSTUDY_GATEWAY_PROCESES:0:0  =  | a variable that stands for a key of the configuration ' +
        '(did you mean UNDERSTUDY_GATEWAY_PROCESSES?)',
    ]);
  });
});

describe('whatever the bytes', () => {
  const isClean = (bytes: Uint8Array): void => {
    try {
      parseConfig(bytes, 'u.yaml', {});
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      if (error instanceof ConfigError) expect(error.problems.length).toBeGreaterThan(0);
    }
  };

  it('the outcome is a configuration or a ConfigError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isClean), { numRuns: 300, seed: 4 });
    const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text));
    fc.assert(fc.property(json, isClean), { numRuns: 300, seed: 4 });
  });

  it('a spoilt configuration is no crash', () => {
    const spoilt = fc
      .tuple(fc.nat(MINIMAL.length), fc.nat(12), fc.string({ maxLength: 12, unit: 'binary' }))
      .map(([at, cut, put]) => Buffer.from(MINIMAL.slice(0, at) + put + MINIMAL.slice(at + cut)));
    fc.assert(fc.property(spoilt, isClean), { numRuns: 500, seed: 4 });
  });

  it('values of another type are no crash', () => {
    const value = fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.string(), fc.json());
    const keys = fc.constantFrom(
      'listeners',
      'routes',
      'candidates',
      'gateway',
      'kafka',
      'metrics',
    );
    const text = fc
      .dictionary(keys, fc.oneof(value, fc.array(fc.dictionary(fc.string(), value))))
      .map((v) => Buffer.from(JSON.stringify(v)));
    fc.assert(fc.property(text, isClean), { numRuns: 300, seed: 4 });
  });

  it('an alias bomb and a thousand brackets are no crash', () => {
    const bomb = ['a: &a [x]'];
    for (let i = 1; i < 20; i++) bomb.push(`b${i}: &b${i} [*${i === 1 ? 'a' : `b${i - 1}`}, *a]`);
    isClean(Buffer.from(bomb.join('\n')));
    isClean(Buffer.from('['.repeat(200_000)));
    isClean(Buffer.from('- '.repeat(100_000)));
  });
});
