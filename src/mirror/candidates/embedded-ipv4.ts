/** IPv4 addresses that an IPv6 address stands for, to whoever translates or tunnels it. Pure. */

/** Leading 16-bit groups, and the bytes at which the IPv4 address stands. */
const FORMS: readonly { readonly prefix: readonly number[]; readonly bytes: readonly number[] }[] =
  [
    // RFC 4291 §2.5.5.1, and RFC 2765 §2.1; IPv4-mapped ones Node's BlockList knows.
    { prefix: [0, 0, 0, 0, 0, 0], bytes: [12, 13, 14, 15] },
    { prefix: [0, 0, 0, 0, 0xffff, 0], bytes: [12, 13, 14, 15] },
    // RFC 6052 §2.1.
    { prefix: [0x64, 0xff9b, 0, 0, 0, 0], bytes: [12, 13, 14, 15] },
    // RFC 8215: any prefix of RFC 6052 §2.2 within it, by length 48, 56, 64 and 96.
    { prefix: [0x64, 0xff9b, 1], bytes: [6, 7, 9, 10] },
    { prefix: [0x64, 0xff9b, 1], bytes: [7, 9, 10, 11] },
    { prefix: [0x64, 0xff9b, 1], bytes: [9, 10, 11, 12] },
    { prefix: [0x64, 0xff9b, 1], bytes: [12, 13, 14, 15] },
    // RFC 3056 §2.
    { prefix: [0x2002], bytes: [2, 3, 4, 5] },
  ];

/** RFC 4380 §4: the client's address, each bit of it turned. */
const TEREDO = [0x2001, 0] as const;

/** @param address - IPv6, without a zone */
export function embeddedIpv4(address: string): string[] {
  const groups = groupsOf(address);
  const bytes = groups.flatMap((group) => [group >> 8, group & 0xff]);
  const begins = (prefix: readonly number[]) => prefix.every((group, i) => group === groups[i]);
  const found = FORMS.filter(({ prefix }) => begins(prefix)).map((form) =>
    form.bytes.map((i) => bytes[i]).join('.'),
  );
  if (begins(TEREDO))
    found.push(
      bytes
        .slice(12)
        .map((byte) => byte ^ 0xff)
        .join('.'),
    );
  return found;
}

/** @returns 8 numbers of 16 bits */
function groupsOf(address: string): number[] {
  // A URL writes it in hex, and leaves out zeros at one place at most.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = hexGroups(head);
  const after = hexGroups(tail ?? '');
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after];
}

function hexGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
