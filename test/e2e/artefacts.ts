/** Everything that an instance writes, says or serves, to look for what must not be there. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Instance } from './instance.ts';

/** Name → bytes. */
export type Artefacts = Map<string, Buffer>;

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['pairs', '--limit', '1000'],
  ['rate', 'get'],
  ['audit'],
  ['verdict'],
  ['verdict', '--format', 'json'],
  ['verdict', '--format', 'junit'],
  ['verdict', '--format', 'github'],
  ['experiment', 'list'],
  ['report', '--format', 'html'],
  ['report', '--format', 'md'],
  ['report', '--format', 'json'],
  ['deadletter', 'list'],
  ['journal', 'inspect'],
  ['journal', 'inspect', '--json'],
  ['journal', 'export'],
];

/** What a running instance says: its processes, metrics, API, and each command that shows something. */
export async function spokenArtefacts(instance: Instance): Promise<Artefacts> {
  const found: Artefacts = new Map();
  const { children } = await instance.supervisor();
  for (const name of ['supervisor-all', ...children.map((child) => child.name)]) {
    const socket = connect(instance.run.statusSocket(name));
    socket.end('status\n');
    found.set(`status of ${name}`, Buffer.from(await text(socket)));
  }
  for (const { name, pid } of children) {
    found.set(`command line of ${name}`, readFileSync(`/proc/${pid}/cmdline`));
    found.set(`environment of ${name}`, readFileSync(`/proc/${pid}/environ`));
  }
  const { metricsUrl, url, tokenFile } = await instance.admin();
  found.set('metrics', Buffer.from(await (await fetch(metricsUrl)).bytes()));
  const authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
  for (const path of ['status', 'settings', 'audit', 'verdicts', 'experiments', 'nothing']) {
    const answer = await fetch(`${url}/v1/${path}`, { headers: { authorization } });
    const headers = JSON.stringify([...answer.headers]);
    found.set(`API ${path}`, Buffer.from(headers + (await answer.text())));
  }
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await instance.cli(...command);
    if (code === null) throw new Error(`understudy ${command.join(' ')} did not end`);
    found.set(`understudy ${command.join(' ')}`, Buffer.from(stdout + stderr));
  }
  const copies = { 'journal export': ['--format', 'parquet', '-o'], 'journal backup': ['--to'] };
  for (const [command, options] of Object.entries(copies)) {
    const file = join(instance.folder, command.replace(' ', '-'));
    const { code, stderr } = await instance.cli(...command.split(' '), ...options, file);
    if (code !== 0) throw new Error(`understudy ${command} ended with ${code}: ${stderr}`);
    found.set(`file of ${command}`, readFileSync(file));
    rmSync(file);
  }
  return found;
}

/** What is on disk: run, data and log folders, and the logs among them. Sockets are left out. */
export function writtenArtefacts(instance: Instance): Artefacts {
  const found: Artefacts = new Map();
  for (const folder of new Set([instance.folder, instance.dataDir, instance.run.path])) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(`file ${path}`, readFileSync(path));
    }
  }
  return found;
}
