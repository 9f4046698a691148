/**
 * What `npm start` and `npm test` call in a checkout: installs what is missing, then does the work.
 *
 *   node bin/bootstrap.js start [arguments of the demo …]
 *   node bin/bootstrap.js test  [arguments of vitest …]
 *
 * Plain JavaScript without dependencies for Node 18 and later, since it runs before anything is
 * installed. `test` closes with the line "N passed, N failed" (and ", N skipped" where there are
 * any): each test counts once, and so do the type check, the linter and the search for unused code.
 * A file that failed is asked once more, alone; what passes then is named.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, 'node_modules', '.bin');
const CHECKS = ['typecheck', 'lint', 'unused'];
const ASKED_AGAIN_MAX = 3;
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const onTerminal = [0, 1, 2].some((fd) => isatty(fd));

/** PATH without this project's own binaries: npm itself must not run on what it replaces. */
function systemPath() {
  const entries = (process.env.PATH ?? '').split(delimiter);
  return entries.filter((entry) => entry !== binaries).join(delimiter);
}

/** PATH with the pinned Node first. */
function pinnedPath() {
  return [binaries, systemPath()].join(delimiter);
}

/**
 * Runs a command in the project's folder with our standard streams.
 *
 * @returns its exit code, or 128 + the number of the signal that ended it; 127 if it is not there
 */
function run(command, args, path) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: path },
    });
    const forward = (signal) => {
      // A terminal sends these two to the whole group: passed on, they would arrive twice.
      if (!onTerminal || signal === 'SIGTERM') child.kill(signal);
    };
    for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
    const end = (code) => {
      for (const signal of FORWARDED_SIGNALS) process.off(signal, forward);
      resolve(code);
    };
    child.on('error', (error) => {
      process.stderr.write(`bootstrap: ${command}: ${error.message}\n`);
      end(127);
    });
    child.on('exit', (code, signal) => end(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function modifiedMs(path) {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Why packages have to be installed, or undefined if what is there is up to date. */
function reasonToInstall() {
  const installed = modifiedMs(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'packages are not installed yet';
  const locked = modifiedMs(join(root, 'package-lock.json')) ?? 0;
  return locked > installed ? 'package-lock.json is newer than what is installed' : undefined;
}

/**
 * Packages for this very machine that npm left out: it drops an optional one without a word if the
 * Node that npm runs on is too old for it, even though the pinned Node is not.
 */
function leftOut() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const isFor = (list, value) => list === undefined || list.includes(value);
  return Object.entries(packages)
    .filter(([, entry]) => entry.optional && entry.os !== undefined)
    .filter(([, { os, cpu }]) => isFor(os, process.platform) && isFor(cpu, process.arch))
    .filter(([, { libc }]) => libc === undefined || libc.includes('glibc'))
    .map(([folder]) => folder)
    .filter((folder) => !existsSync(join(root, folder)));
}

async function installWhatIsMissing() {
  const reason = reasonToInstall();
  if (reason === undefined) return;
  await install(reason, systemPath());
  const [missing] = leftOut();
  if (missing === undefined) return;
  await install(`npm left ${missing} out, now with the pinned Node`, pinnedPath());
}

async function install(reason, path) {
  process.stderr.write(`bootstrap: ${reason}: running npm ci\n`);
  // The level hides the warning that the system's Node is too old: the pinned one comes with it.
  const flags = ['--loglevel=error', '--no-fund', '--no-audit', '--include=dev'];
  const code = await run('npm', ['ci', ...flags, '--include=optional'], path);
  if (code !== 0) {
    process.stderr.write('bootstrap: npm ci failed, see above\n');
    process.exit(code);
  }
}

/**
 * One run of vitest.
 *
 * @returns its exit code, and what its JSON report says of each file
 */
async function runTests(args, path) {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-report-'));
  const report = join(folder, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run('vitest', ['run', ...reporters, ...args], path);
  try {
    return { code, files: JSON.parse(readFileSync(report, 'utf8')).testResults };
  } catch {
    process.stderr.write('bootstrap: vitest ended without a report\n');
    return { code, files: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const hasFailed = ({ status }) => status === 'failed';

/**
 * Two workers with real processes share two cores: what failed beside others is asked again alone, once, and named. Where
 * it fails again, or where more than ASKED_AGAIN_MAX files fail, it has failed.
 */
async function askAgain(first, path) {
  const files = first.files.filter(hasFailed);
  if (files.length === 0 || files.length > ASKED_AGAIN_MAX) return first;
  for (const { name } of files) process.stderr.write(`bootstrap: asked again, alone: ${name}\n`);
  const second = await runTests(['--no-file-parallelism', ...files.map(({ name }) => name)], path);
  const latest = new Map(second.files.map((file) => [file.name, file]));
  for (const { name, assertionResults } of files) {
    if (latest.get(name)?.status !== 'passed') continue;
    const failed = assertionResults.filter(hasFailed).map(({ fullName }) => fullName.trim());
    for (const test of failed) process.stdout.write(`passed when asked again: ${test}\n`);
  }
  return {
    code: second.code,
    files: first.files.map((file) => latest.get(file.name) ?? file),
  };
}

/** Adds up what vitest says of the files; one that could not run counts as one failed test. */
function tally({ files, code }) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: new Set() };
  for (const file of files) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (hasFailed(test)) counts.failed += 1;
      else {
        counts.skipped += 1;
        counts.reasons.add(test.fullName.trim());
      }
    }
    if (hasFailed(file) && !file.assertionResults.some(hasFailed)) counts.failed += 1;
  }
  // An error outside of any test, or no test at all.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

async function test(args, path) {
  const failedChecks = [];
  for (const check of CHECKS) {
    const code = await run('npm', ['run', '--silent', check], path);
    process.stderr.write(
      `bootstrap: ${check} ${code === 0 ? 'ok' : `FAILED (exit code ${code})`}\n`,
    );
    if (code !== 0) failedChecks.push(check);
  }
  const first = await runTests(args, path);
  const counts = tally(args.length === 0 ? await askAgain(first, path) : first);

  for (const reason of counts.reasons) process.stdout.write(`skipped: ${reason}\n`);
  for (const check of failedChecks) process.stdout.write(`failed: ${check}\n`);
  const failed = counts.failed + failedChecks.length;
  const passed = counts.passed + CHECKS.length - failedChecks.length;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  process.stdout.write(`${passed} passed, ${failed} failed${skipped}\n`);
  return failed === 0 ? 0 : 1;
}

const [task, ...args] = process.argv.slice(2);
if (task !== 'start' && task !== 'test') {
  process.stderr.write('usage: node bin/bootstrap.js start|test [arguments …]\n');
  process.exit(2);
}
await installWhatIsMissing();
const path = pinnedPath();
process.exitCode =
  task === 'test'
    ? await test(args, path)
    : await run('node', [join(root, 'bin', 'understudy.js'), 'demo', ...args], path);
