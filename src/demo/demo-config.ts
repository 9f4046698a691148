/** The configuration that the demo really runs: config/demo.yaml with the ports, paths and broker of this run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { pickPort } from './free-port.ts';

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
}

/**
 * Writes the copy, comments and all. A port of the template is kept where it is free.
 *
 * @throws {Error} when the template cannot be read or the copy not written
 */
export async function writeDemoConfig(options: DemoConfigOptions): Promise<DemoPorts> {
  const document = parseDocument(readFileSync(options.template, 'utf8'));
  const ports = await pickPorts(document);
  document.commentBefore =
    ` Written by the demo from ${options.template}: ports, paths${options.kafka === null ? '' : ' and broker'} of this run.\n\n` +
    (document.commentBefore ?? '');
  for (const [name, place] of Object.entries(PLACES)) {
    const address = `127.0.0.1:${ports[name as keyof DemoPorts]}`;
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
  return ports;
}

async function pickPorts(document: Document): Promise<DemoPorts> {
  const taken = new Set<number>();
  const pick = async (name: keyof DemoPorts): Promise<number> => {
    const preferred = Number(String(document.getIn(PLACES[name])).match(/\d+$/)?.[0]);
    const port = await pickPort(preferred, taken);
    taken.add(port);
    return port;
  };
  // One after the other: two must not be given the same.
  const gateway = await pick('gateway');
  const incumbent = await pick('incumbent');
  const admin = await pick('admin');
  return { gateway, incumbent, admin, metrics: await pick('metrics') };
}
