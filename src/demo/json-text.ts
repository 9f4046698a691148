/**
 * JSON for people: what fits on a line stays on one, the rest is opened up. Valid JSON again.
 *
 * @param columns - longest line, where values allow it
 */
export function toReadableJson(value: unknown, columns: number): string {
  return format(value, { columns, indent: '', reserved: 0 });
}

interface Place {
  readonly columns: number;
  readonly indent: string;
  /** Characters before the value on its line, and the comma after it. */
  readonly reserved: number;
}

function format(value: unknown, place: Place): string {
  const flat = flatText(value);
  const isOpenable = typeof value === 'object' && value !== null;
  const room = place.columns - place.indent.length - place.reserved;
  if (!isOpenable || flat.length <= room) return flat;
  const indent = `${place.indent}  `;
  const isList = Array.isArray(value);
  const lines = Object.entries(value).map(([key, member]) => {
    const label = isList ? '' : `${JSON.stringify(key)}: `;
    const reserved = label.length + 1;
    return `${indent}${label}${format(member, { ...place, indent, reserved })}`;
  });
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  return lines.length === 0 ? flat : `${open}\n${lines.join(',\n')}\n${place.indent}${close}`;
}

/** On one line, with blanks where people put them. */
function flatText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${flatText(v)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
