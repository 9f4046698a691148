/**
 * What `npm start` and `npm test` call in a checkout: installs what is missing, then does the work.
 *
 *   node bin/bootstrap.js start [arguments of the demo …]
 *   node bin/bootstrap.js test  [arguments of vitest …]
 *
 * Plain JavaScript without dependencies for Node 18 and later, since it runs before anything is
 * installed. `test` closes with the line "N passed, N failed" (and ", N skipped" where there are
 * any): each test counts once, and so do the type check, the linter and the search for unused code.
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

/** Adds up what vitest's JSON report says; a file that could not run counts as one failed test. */
function tally(reportPath, exitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0, reasons: new Set() };
  let report = { testResults: [] };
  try {
    report = JSON.parse(readFileSync(reportPath, 'utf8'));
  } catch {
    process.stderr.write('bootstrap: vitest ended without a report\n');
  }
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else {
        counts.skipped += 1;
        counts.reasons.add(test.fullName.trim());
      }
    }
    const explained = file.assertionResults.some((test) => test.status === 'failed');
    if (file.status === 'failed' && !explained) counts.failed += 1;
  }
  // An error outside of any test, or no test at all.
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
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
  const folder = mkdtempSync(join(tmpdir(), 'understudy-report-'));
  const report = join(folder, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run('vitest', ['run', ...reporters, ...args], path);
  const counts = tally(report, code);
  rmSync(folder, { recursive: true, force: true });

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
