/** Texts that come from other processes, models and operators: nothing in them may drive the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '?');
}
