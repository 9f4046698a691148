import { expect, test } from 'vitest';
import { isBrokerStarting, toKafkaError } from '../../src/record/kafka/kafka-errors.ts';

/** As the client wraps: tries, each with the broker's answer as its cause. */
function clientError(apiId: string): Error {
  const answer = Object.assign(new Error(`broker says ${apiId}`), { apiId });
  return new AggregateError([new Error('send failed', { cause: answer })], 'retries exhausted');
}

test('a broker that is still loading is told from one that is in trouble', () => {
  expect(isBrokerStarting(toKafkaError(clientError('COORDINATOR_LOAD_IN_PROGRESS')))).toBe(true);
  expect(isBrokerStarting(toKafkaError(clientError('NOT_LEADER_OR_FOLLOWER')))).toBe(false);
  expect(isBrokerStarting(new Error('anything'))).toBe(false);
});
