/**
 * Spark for the job of deploy/spark: from PyPI into a folder that is kept between runs (some 320 MB), its Kafka
 * connector from Maven beside it.
 */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pythonIn } from './python.ts';
import { runScript } from './run-script.ts';

const SPARK = '3.5.7';
const HOME = join(homedir(), '.cache/understudy', `spark-${SPARK}`);

/** A Python that has Spark. @returns its path, or in one line why there is none */
export async function sparkPython(): Promise<{ python: string } | { skipped: string }> {
  const python = join(HOME, 'bin/python');
  try {
    await runScript('java', ['-version']);
    if (!existsSync(join(HOME, 'complete'))) {
      rmSync(HOME, { recursive: true, force: true });
      const made = await pythonIn(HOME, 'deploy/spark/requirements.txt', ['--no-cache-dir']);
      if ('skipped' in made) return made;
      writeFileSync(join(HOME, 'complete'), '');
    }
    await runScript(python, ['-c', 'import pyspark']);
    return { python };
  } catch (error) {
    const [line = ''] = String(error).trim().split('\n').slice(-1);
    return { skipped: `no Spark: ${line.slice(0, 200)}` };
  }
}

/** Jars of Spark's Kafka connector, kept beside Spark. @returns their paths, separated by commas */
export async function connectorJars(): Promise<string> {
  const folder = join(HOME, 'connector');
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}`;
    const file = ['-q', '-B', '-f', 'test/services/spark-kafka.pom.xml'];
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy-dependencies';
    const to = ['-DincludeScope=runtime', `-DoutputDirectory=${part}`];
    await runScript('mvn', [...file, copy, ...to]);
    renameSync(part, folder);
  }
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .join();
}

/** @param options - of spark-submit, with a space at their end; @returns the environment of a run on so many threads */
export function sparkEnvironment(threads: number, options = ''): Record<string, string> {
  const quiet = [
    'spark.ui.enabled=false',
    'spark.sql.shuffle.partitions=4',
    'spark.driver.bindAddress=127.0.0.1',
    'spark.driver.host=127.0.0.1',
  ].map((each) => `--conf ${each}`);
  const args = `--master local[${threads}] --driver-memory 1g ${quiet.join(' ')} ${options}pyspark-shell`;
  return { PYSPARK_SUBMIT_ARGS: args };
}
