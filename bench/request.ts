/** The request that is sent, and what the incumbent and a candidate answer. */

export const SCORE_PATH = '/v1/score';

/** Features of a row. */
const FEATURES = 48;

/**
 * JSON as a scoring API takes it: named features.
 *
 * @param bytes - least size; the features alone have about 400
 */
export function requestBody(bytes: number): string {
  const request = {
    transaction_id: 't-123456',
    country: 'DE',
    amount: 1200.5,
    features: Array.from({ length: FEATURES }, (_, i) => Number((i * 0.731 + 1).toFixed(5))),
  };
  const missing = bytes - JSON.stringify(request).length;
  return JSON.stringify(missing > 0 ? { ...request, note: 'n'.repeat(missing) } : request);
}

export const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json',
  Authorization: 'Bearer abcdefghijklmnopqrstuvwxyz',
  'X-Request-Id': '7f6c1a2b3c4d',
};

/** The whole request, as a keep-alive caller sends it. */
export function requestBytes(bodyBytes: number): Buffer {
  const body = requestBody(bodyBytes);
  const headers = Object.entries(REQUEST_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${SCORE_PATH} HTTP/1.1\r\nHost: scoring\r\n${headers.join('')}` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

export const ANSWER_BODY: string = JSON.stringify({
  model_version: 'fraud-1',
  score: 0.8731,
  label: 'fraud',
  request_id: 'abc',
});

/** The answer as bytes, with what nginx would say besides. */
export function answerBytes(): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${ANSWER_BODY.length}` +
      `\r\nConnection: keep-alive\r\n\r\n${ANSWER_BODY}`,
  );
}
