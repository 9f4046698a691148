/** The configuration that the demo really runs: config/demo.yaml with the ports, paths and broker of this run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';

/** Where the parts of a demo listen, on 127.0.0.1. */
export interface DemoPorts {
  readonly gateway: number;
  readonly incumbent: number;
  readonly admin: number;
  readonly metrics: number;
}

/** Key paths of the addresses in demo.yaml. */
const PLACES = {
  gateway: ['listeners', 0, 'listen'],
  incumbent: ['listeners', 0, 'incumbent'],
  admin: ['admin', 'listen'],
  metrics: ['metrics', 'listen'],
} as const satisfies Record<keyof DemoPorts, readonly (string | number)[]>;

export interface DemoConfigOptions {
  /** config/demo.yaml */
  readonly template: string;
  /** Absolute; relative paths in the copy start at its folder. */
  readonly target: string;
  /** Absolute. */
  readonly runDir: string;
  readonly dataDir: string;
  /** `host:port` of a broker; topics are made there. */
  readonly kafka: string | null;
  /** 0: the system picks one when the port is bound. */
  readonly ports: DemoPorts;
}

/** The ports that the template names. */
export function readDemoPorts(template: string): DemoPorts {
  const document = parseDocument(readFileSync(template, 'utf8'));
  const portOf = (name: keyof DemoPorts): number =>
    Number(String(document.getIn(PLACES[name])).match(/\d+$/)?.[0]);
  return {
    gateway: portOf('gateway'),
    incumbent: portOf('incumbent'),
    admin: portOf('admin'),
    metrics: portOf('metrics'),
  };
}

/**
 * Writes the copy, comments and all.
 *
 * @throws {Error} when the template cannot be read or the copy not written
 */
export function writeDemoConfig(options: DemoConfigOptions): void {
  const document = parseDocument(readFileSync(options.template, 'utf8'));
  document.commentBefore =
    ` Written by the demo from ${options.template}: ports, paths${options.kafka === null ? '' : ' and broker'} of this run.\n\n` +
    (document.commentBefore ?? '');
  for (const [name, place] of Object.entries(PLACES)) {
    const address = `127.0.0.1:${options.ports[name as keyof DemoPorts]}`;
    document.setIn(place, name === 'incumbent' ? `http://${address}` : address);
  }
  document.set('runDir', options.runDir);
  document.set('dataDir', options.dataDir);
  const model = document.getIn(['candidates', 0, 'model']);
  document.setIn(['candidates', 0, 'model'], resolve(dirname(options.template), String(model)));
  if (options.kafka !== null) {
    const kafka = document.createNode({ brokers: [options.kafka], createTopics: true });
    document.set('kafka', kafka);
  }
  writeFileSync(options.target, document.toString({ lineWidth: 0 }));
}
