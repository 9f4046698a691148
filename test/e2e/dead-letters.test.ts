/** Dead letters as an operator meets them: status, list, retry, drop. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sharedKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { runLoad } from './load.ts';
import { closeWithTest } from './server.ts';

const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else {
  test('pairs over the limit are listed with their code, and sent once the limit is raised', {
    timeout: 180_000,
  }, async () => {
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const pairsTopic = `e2e.dead.${randomUUID().slice(0, 8)}`;
    const kafka = {
      brokers: shared.brokers,
      pairsTopic,
      accountingTopic: `${pairsTopic}.accounting`,
      createTopics: true,
      partitions: 2,
      maxMessageBytes: 1_024, // any pair is larger
    };
    const instance = await Instance.start({
      incumbent: incumbent.address,
      candidates: [candidate.section()],
      sections: { kafka },
    });
    const { sent } = await runLoad({ port: instance.port, count: 10 });
    const publisher = async () => (await instance.mirror()).recorder.publisher;
    await until('dead', async () => (await publisher())?.heldDeadLetters === sent.size, 60_000);
    expect((await publisher())?.lag).toBe(0);
    const status = await instance.cli('status');
    expect(status.stdout).toContain(`${sent.size} dead letters`);
    const { metricsUrl } = await instance.admin();
    expect(await (await fetch(metricsUrl)).text()).toContain(
      `understudy_kafka_dead_letters ${sent.size}`,
    );
    const list = await instance.cli('deadletter', 'list', '--json');
    const letters = list.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(letters).toHaveLength(sent.size);
    const codes = new Set(letters.map(({ code }) => code));
    expect([...codes]).toEqual(['UND_KAFKA_RECORD_TOO_LARGE']);
    expect(letters.map(({ id }) => id)).toEqual(instance.pairs().map(({ id }) => id));

    const [first, second] = letters;
    const dropped = await instance.cli('deadletter', 'drop', first.id);
    expect(dropped).toMatchObject({ code: 0, stdout: '1 dead letter forgotten\n' });
    expect(await instance.cli('deadletter', 'drop', first.id)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${first.id} is no dead letter`),
    });
    // Still too large: it comes back with a later time.
    await instance.cli('deadletter', 'retry', second.id);
    await until('back', async () => (await publisher())?.heldDeadLetters === sent.size - 1);

    await instance.stop();
    const text = readFileSync(instance.configFile, 'utf8');
    const raised = text
      .replace('maxMessageBytes: 1024', 'maxMessageBytes: 100000')
      .replace('partitions: 2', 'partitions: 3');
    const topic = `${pairsTopic}.large`;
    writeFileSync(
      instance.configFile,
      raised.replace(`pairsTopic: ${pairsTopic}`, `pairsTopic: ${topic}`),
    );
    await instance.start();
    const retried = await instance.cli('deadletter', 'retry', '--all');
    expect(retried.stdout).toBe(`${sent.size - 1} dead letters to be sent again\n`);
    await until('published', async () => (await publisher())?.published === sent.size - 1, 60_000);
    // The topic of accounts is the old one: status and check say how it differs, and it is used.
    const differs = `UND_KAFKA_TOPIC_DIFFERS: ${pairsTopic}.accounting has 2 partitions, not 3.`;
    expect((await instance.cli('status')).stdout).toContain(differs);
    const checked = await instance.cli('check', '--config', instance.configFile);
    expect(checked.stdout).toMatch(/all that could be tried works|problem/);
    expect(checked.stdout).toContain(`warning  ${differs}`);
    expect(checked.stdout).not.toContain('problem  UND_KAFKA');
    expect((await instance.cli('deadletter', 'list')).stdout).toBe('no dead letters\n');
    const read = await readWithKafkajs(shared.brokers, topic);
    const expected = instance.journaled().filter((json) => !json.includes(`"${first.id}"`));
    expect(read.map(({ value }) => value).sort()).toEqual(expected.sort());
  });
}
