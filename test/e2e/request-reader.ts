/** A request as it came: head and body with a Content-Length, the only form that these tests send. */
export interface ReadRequest {
  readonly raw: Buffer;
  readonly head: string;
  readonly body: string;
}

const END_OF_HEAD = '\r\n\r\n';

/** Cuts what a server reads on one connection into requests; independent of the code under test. */
export class RequestReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** @returns the requests that are complete now */
  push(chunk: Buffer): ReadRequest[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const requests: ReadRequest[] = [];
    for (;;) {
      const end = this.#bytes.indexOf(END_OF_HEAD);
      if (end === -1) return requests;
      const head = this.#bytes.toString('latin1', 0, end);
      const bodyAt = end + END_OF_HEAD.length;
      const length = bodyAt + (Number(headerOf(head, 'content-length')) || 0);
      if (this.#bytes.length < length) return requests;
      const raw = this.#bytes.subarray(0, length);
      requests.push({ raw, head, body: raw.toString('utf8', bodyAt) });
      this.#bytes = this.#bytes.subarray(length);
    }
  }
}

/** The value of a header, `''` where it is missing. */
export function headerOf(head: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(head)?.[1] ?? '';
}
