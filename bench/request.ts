/** The request that is sent, and what the incumbent and a candidate answer. */

export const SCORE_PATH = '/v1/score';

/** About 400 bytes of JSON: named features, as a scoring API takes them. */
export const REQUEST_BODY: string = JSON.stringify({
  transaction_id: 't-123456',
  country: 'DE',
  amount: 1200.5,
  features: Array.from({ length: 48 }, (_, i) => Number((i * 0.731 + 1).toFixed(5))),
});

export const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json',
  Authorization: 'Bearer abcdefghijklmnopqrstuvwxyz',
  'X-Request-Id': '7f6c1a2b3c4d',
};

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
