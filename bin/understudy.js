#!/usr/bin/env node
/**
 * Starts Understudy on a Node that fits, or says in one sentence why it cannot.
 *
 * Plain JavaScript without dependencies, so that an old Node (18 and later) can read it. On a
 * fitting Node the command line is imported into this very process; otherwise this file is run
 * again by the Node that is pinned as a package, with the same standard streams, signals passed on
 * and its exit code or signal handed back. A service manager should start the pinned Node directly:
 * a SIGKILL of the process in between cannot be passed on.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The oldest Node that fits: net.BoundSocket came with it. */
const OLDEST = [24, 21];
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
/** A terminal sends these to the whole foreground group: passed on, they would arrive twice. */
const SIGNALS_OF_A_TERMINAL = new Set(['SIGINT', 'SIGQUIT', 'SIGHUP']);

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));
const require = createRequire(join(root, 'package.json'));

/** Ends the process with one sentence on standard error and exit code 1. */
function refuse(reason) {
  process.stderr.write(`understudy: UND_RUNTIME_UNSUPPORTED: ${reason}\n`);
  process.exit(1);
}

function fits(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** Is the C library glibc? onnxruntime-node and the pinned Node need it. */
function hasGlibc() {
  // Without this, a report looks up the names of all network peers, which can take seconds.
  process.report.excludeNetwork = true;
  const report = process.report.getReport();
  const header = (typeof report === 'string' ? JSON.parse(report) : report).header;
  return typeof header.glibcVersionRuntime === 'string';
}

/** Why this machine cannot run Understudy at all, or undefined. */
function platformFault() {
  const { platform, arch } = process;
  if (platform === 'darwin') return undefined;
  if (platform === 'linux' && (arch === 'x64' || arch === 'arm64')) {
    return hasGlibc()
      ? undefined
      : 'it needs a Linux with glibc, and this one has another C library.';
  }
  return `it runs on Linux (glibc, x64 or arm64) and macOS, not on ${platform} ${arch}.`;
}

/** The path of the Node pinned as a package, if one is installed that fits this machine. */
function pinnedNode() {
  if (process.platform !== 'linux') return undefined;
  try {
    const manifest = require.resolve(`node-linux-${process.arch}/package.json`);
    const binary = join(dirname(manifest), 'bin', 'node');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    return fits(version) && existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

/** The command line: TypeScript in a checkout, compiled JavaScript in a built package. */
function findCommandLine() {
  const source = join(root, 'src', 'main', 'cli.ts');
  const entry = existsSync(join(root, 'src')) ? source : join(root, 'dist', 'main', 'cli.js');
  if (!existsSync(entry)) {
    refuse(`${entry} is missing: reinstall the package, or run "npm run build" in a checkout.`);
  }
  try {
    require.resolve('commander');
  } catch {
    refuse(`its packages are not installed: run "npm ci" in ${root}.`);
  }
  return entry;
}

/** Runs this file again on another Node and ends as that one ends. */
function runOn(node) {
  const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  const onTerminal = [0, 1, 2].some((fd) => isatty(fd));
  for (const signal of FORWARDED_SIGNALS) {
    process.on(signal, () => {
      if (!onTerminal || !SIGNALS_OF_A_TERMINAL.has(signal)) child.kill(signal);
    });
  }
  child.on('error', (error) => refuse(`${node} does not start (${error.message}).`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // End by the same signal, so that whoever waits for us sees it too.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
  });
}

const fault = platformFault();
if (fault !== undefined) refuse(fault);
if (fits(process.versions.node)) {
  await import(pathToFileURL(findCommandLine()).href);
} else {
  const node = pinnedNode();
  if (node === undefined) {
    refuse(
      `it needs Node ${OLDEST.join('.')} or later, this is ${process.versions.node}, and no pinned ` +
        `Node is installed: run "npm ci" in ${root}.`,
    );
  }
  runOn(node);
}
